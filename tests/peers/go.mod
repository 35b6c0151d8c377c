module atlas-privatelink/tests/peers

go 1.24.0

require go.mongodb.org/atlas-sdk/v20250312008 v20250312008.0.0

require (
	github.com/mongodb-forks/digest v1.1.0 // indirect
	golang.org/x/oauth2 v0.31.0 // indirect
)
