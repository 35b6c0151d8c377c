package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.mongodb.org/atlas-sdk/v20250312008/admin"
)

// run is one run through all operations, and its counts.
type run struct {
	ctx            context.Context
	api            *admin.APIClient
	passed, failed int
}

const (
	objectID = `^[0-9a-f]{24}$`
	pause    = 10 * time.Millisecond
)

// check counts and prints one check: err is the call's own error, and found is what is wrong with its answer.
func (r *run) check(what string, err error, found ...error) {
	if err == nil {
		err = errors.Join(found...)
	}
	if err == nil {
		r.passed++
		fmt.Println("ok", what)
		return
	}
	r.failed++
	fmt.Printf("FAILED %s: %q\n", what, err.Error())
}

// equal wants a field to have a value.
func equal[T comparable](field string, got, want T) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s is %v, not %v", field, got, want)
}

// same wants a list to have these items, in this order.
func same[T comparable](field string, got, want []T) error {
	if slices.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("%s is %v, not %v", field, got, want)
}

// matches wants a text to match a pattern.
func matches(field, got, pattern string) error {
	if regexp.MustCompile(pattern).MatchString(got) {
		return nil
	}
	return fmt.Errorf("%s is %q, which does not match %s", field, got, pattern)
}

// refused wants Atlas to have refused a call with this status and, unless it is empty, this error code.
func refused(err error, status int, code string) error {
	if err == nil {
		return fmt.Errorf("it was not refused with HTTP %d %s", status, code)
	}
	answer, ok := admin.AsError(err)
	if ok && answer.GetError() == status && (code == "" || answer.GetErrorCode() == code) {
		return nil
	}
	return fmt.Errorf("it was not refused with HTTP %d %s: %w", status, code, err)
}

// eventually looks again and again until ready says so. An error ends it at once.
func eventually[T any](ctx context.Context, look func() (T, error), ready func(T) bool) (T, error) {
	for {
		seen, err := look()
		if err != nil || ready(seen) {
			return seen, err
		}
		select {
		case <-ctx.Done():
			return seen, fmt.Errorf("it did not come; the last look saw %+v", seen)
		case <-time.After(pause):
		}
	}
}

// becomes waits until a resource has the last of these statuses, and allows the others before it.
func (r *run) becomes(look func() (string, error), statuses ...string) error {
	last := statuses[len(statuses)-1]
	_, err := eventually(r.ctx, func() (string, error) {
		status, err := look()
		if err == nil && !slices.Contains(statuses, status) {
			err = fmt.Errorf("its status is %q, which is none of %q", status, statuses)
		}
		return status, err
	}, func(status string) bool { return status == last })
	return err
}

// disappears waits until Atlas does not know a deleted resource any more; until then, its status is DELETING.
func (r *run) disappears(look func() (string, error), codes ...string) error {
	err := r.becomes(look, "DELETING", "")
	for _, code := range codes {
		if refused(err, 404, code) == nil {
			return nil
		}
	}
	return fmt.Errorf("it did not end in HTTP 404 with one of %q: %v", codes, err)
}
