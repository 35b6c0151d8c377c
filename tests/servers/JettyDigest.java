import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.security.ConstraintMapping;
import org.eclipse.jetty.security.ConstraintSecurityHandler;
import org.eclipse.jetty.security.HashLoginService;
import org.eclipse.jetty.security.UserStore;
import org.eclipse.jetty.security.authentication.DigestAuthenticator;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.AbstractHandler;
import org.eclipse.jetty.util.ajax.JSON;
import org.eclipse.jetty.util.security.Constraint;
import org.eclipse.jetty.util.security.Password;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * Jetty's own DigestAuthenticator in front of a small Atlas, for tests and benchmarks.
 *
 * <p>Arguments: port (0 for any), public key, private key, nonce age in ms, nonce count, delay in ms. When both
 * connectors listen, one line "port control-port" goes to standard output. The process ends when its standard input
 * does, so that it cannot outlive whoever started it.
 */
public final class JettyDigest {
    private static final String HOST = "127.0.0.1";
    private static final String REALM = "MMS Public API";
    /** The delay holds a thread, and 128 requests have to be able to wait at once. */
    private static final int THREADS = 256;

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        UserStore users = new UserStore();
        users.addUser(args[1], new Password(args[2]), new String[] {"owner"});
        long maxNonceAgeMs = Long.parseLong(args[3]);
        int maxNonceCount = Integer.parseInt(args[4]);

        Endpoints endpoints = new Endpoints();
        Counter counter =
                new Counter(endpoints, () -> guard(endpoints, users, maxNonceAgeMs, maxNonceCount));
        counter.delayMs = Integer.parseInt(args[5]);
        try {
            int servicePort = listen(port, THREADS, counter, counter);
            int controlPort = listen(0, 8, new Control(counter), null);
            System.out.println(servicePort + " " + controlPort);
        } catch (Exception failure) {
            failure.printStackTrace();
            // The threads that did start would keep the process alive.
            Runtime.getRuntime().halt(1);
        }

        while (System.in.read() >= 0) {
            // Nothing is said here: only the end matters.
        }
        // No orderly shutdown: to a client this has to look like a killed server.
        Runtime.getRuntime().halt(0);
    }

    /** Starts a server of its own for each port, so that a full service never starves the control. */
    private static int listen(int port, int threads, Handler handler, Connection.Listener listener) throws Exception {
        Server server = new Server(new QueuedThreadPool(threads));
        ServerConnector connector = new ServerConnector(server, 1, 1);
        connector.setHost(HOST);
        connector.setPort(port);
        connector.setAcceptQueueSize(256);
        if (listener != null) {
            connector.addBean(listener);
        }
        server.addConnector(connector);
        server.setHandler(handler);
        server.start();
        return connector.getLocalPort();
    }

    private static Handler guard(Endpoints guarded, UserStore users, long maxNonceAgeMs, int maxNonceCount) {
        Constraint constraint = new Constraint(Constraint.__DIGEST_AUTH, Constraint.ANY_AUTH);
        constraint.setAuthenticate(true);
        ConstraintMapping everything = new ConstraintMapping();
        everything.setPathSpec("/*");
        everything.setConstraint(constraint);

        DigestAuthenticator authenticator = new DigestAuthenticator();
        authenticator.setMaxNonceAge(maxNonceAgeMs);
        authenticator.setMaxNonceCount(maxNonceCount);
        HashLoginService login = new HashLoginService(REALM);
        login.setUserStore(users);

        ConstraintSecurityHandler security = new ConstraintSecurityHandler();
        security.setRealmName(REALM);
        security.setAuthenticator(authenticator);
        security.setLoginService(login);
        security.addConstraintMapping(everything);
        // A handler belongs to one parent only, and the endpoints outlive this one.
        security.setHandler(new AbstractHandler() {
            @Override
            public void handle(
                    String target, Request base, HttpServletRequest request, HttpServletResponse response)
                    throws IOException {
                base.setHandled(true);
                guarded.handle(target, request, response);
            }
        });
        return security;
    }

    private static void answer(HttpServletResponse response, int status, Object body) throws IOException {
        response.setStatus(status);
        response.setContentType("application/json");
        // Without a Content-Length set here, Jetty holds the answer back until the handlers have returned, and so the
        // counts are complete before the client can have read it.
        response.getOutputStream().write(JSON.toString(body).getBytes(StandardCharsets.UTF_8));
    }

    private static void refuse(HttpServletResponse response, int status, String reason, String code)
            throws IOException {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("detail", reason + ".");
        error.put("error", status);
        error.put("errorCode", code);
        error.put("parameters", List.of());
        error.put("reason", reason);
        answer(response, status, error);
    }

    private interface GuardFactory {
        Handler create();
    }

    /** Outside the authenticator: counts every request, the refused ones too, and delays every answer. */
    private static final class Counter extends AbstractHandler implements Connection.Listener {
        private static final Pattern NONCE = Pattern.compile("\\bnonce=\"([^\"]*)\"");
        private static final Pattern COUNT = Pattern.compile("\\bnc=\"?([0-9a-fA-F]{8})\\b");

        private final Endpoints endpoints;
        private final GuardFactory guards;
        private final Map<Integer, Integer> statuses = new TreeMap<>();
        private final Map<String, List<Integer>> nonceCounts = new LinkedHashMap<>();
        private int requests;
        private int connections;
        private int inFlight;
        private int maxInFlight;
        private volatile Handler guard;
        private volatile int delayMs;

        Counter(Endpoints endpoints, GuardFactory guards) {
            this.endpoints = endpoints;
            this.guards = guards;
        }

        @Override
        protected void doStart() throws Exception {
            forgetNonces();
            super.doStart();
        }

        /**
         * Puts a fresh security handler in front. The old one is left to the requests inside it: stopping it would
         * clear its constraints under them, and let them through unchecked.
         */
        void forgetNonces() throws Exception {
            Handler fresh = guards.create();
            fresh.setServer(getServer());
            fresh.start();
            guard = fresh;
        }

        @Override
        public void handle(String target, Request base, HttpServletRequest request, HttpServletResponse response)
                throws IOException, javax.servlet.ServletException {
            arrived(request.getHeader("Authorization"));
            // Atlas says domain="" and not "/", as an application at the root does.
            base.setContextPath("");
            try {
                Thread.sleep(delayMs);
                guard.handle(target, base, request, response);
            } catch (InterruptedException stopping) {
                Thread.currentThread().interrupt();
            } finally {
                answered(response.getStatus());
            }
        }

        private synchronized void arrived(String authorization) {
            requests++;
            inFlight++;
            maxInFlight = Math.max(maxInFlight, inFlight);
            if (authorization == null) {
                return;
            }
            Matcher nonce = NONCE.matcher(authorization);
            Matcher count = COUNT.matcher(authorization);
            if (nonce.find() && count.find()) {
                nonceCounts
                        .computeIfAbsent(nonce.group(1), unused -> new ArrayList<>())
                        .add(Integer.parseUnsignedInt(count.group(1), 16));
            }
        }

        private synchronized void answered(int status) {
            inFlight--;
            statuses.merge(status, 1, Integer::sum);
        }

        @Override
        public synchronized void onOpened(Connection connection) {
            connections++;
        }

        @Override
        public void onClosed(Connection connection) {
            // Only openings are counted.
        }

        synchronized Map<String, Object> stats() {
            Map<String, Object> stats = new LinkedHashMap<>();
            stats.put("requests", requests);
            stats.put("statuses", statuses);
            stats.put("connections", connections);
            stats.put("max_in_flight", maxInFlight);
            stats.put("nonce_counts", nonceCounts);
            stats.put("created", endpoints.created());
            return stats;
        }

        synchronized void reset() {
            requests = 0;
            connections = 0;
            maxInFlight = inFlight;
            statuses.clear();
            nonceCounts.clear();
            endpoints.clear();
        }
    }

    /** Serverless private endpoints: create, list and return one. */
    private static final class Endpoints {
        private static final Pattern PATH = Pattern.compile(
                "(?:/.*)?(/groups/[^/]+/privateEndpoint/serverless/instance/[^/]+/endpoint)(?:/([^/]+))?");

        private final Map<String, Map<String, Object>> collections = new LinkedHashMap<>();
        private final long process = new SecureRandom().nextLong() & 0xFF_FFFF_FFFFL;
        private int serial;
        private int created;

        void handle(String target, HttpServletRequest request, HttpServletResponse response) throws IOException {
            Matcher path = PATH.matcher(target);
            boolean known = path.matches();
            boolean one = known && path.group(2) != null;
            String method = request.getMethod();
            if (!known) {
                refuse(response, 404, "Not Found", "RESOURCE_NOT_FOUND");
            } else if (method.equals("POST") && !one) {
                create(path.group(1), request, response);
            } else if (!method.equals("GET")) {
                response.setHeader("Allow", one ? "GET" : "GET, POST");
                response.setStatus(405);
            } else if (!one) {
                answer(response, 200, all(path.group(1)));
            } else {
                Object endpoint = find(path.group(1), path.group(2));
                if (endpoint == null) {
                    refuse(response, 404, "Not Found", "TENANT_PRIVATE_ENDPOINT_NOT_FOUND");
                } else {
                    answer(response, 200, endpoint);
                }
            }
        }

        private void create(String collection, HttpServletRequest request, HttpServletResponse response)
                throws IOException {
            byte[] bytes = request.getInputStream().readAllBytes();
            Object body;
            try {
                body = JSON.parse(new String(bytes, StandardCharsets.UTF_8));
            } catch (IllegalStateException malformed) {
                body = null;
            }
            Object comment = body instanceof Map ? ((Map<?, ?>) body).get("comment") : null;
            if (!(body instanceof Map) || !(comment == null || comment instanceof String)) {
                refuse(response, 400, "Bad Request", "INVALID_JSON");
                return;
            }
            answer(response, 201, add(collection, comment));
        }

        private synchronized Map<String, Object> add(String collection, Object comment) {
            // Laid out as an ObjectId: seconds, a value of this process, a serial number.
            String id = String.format(
                    "%08x%010x%06x", System.currentTimeMillis() / 1000, process, ++serial & 0xFF_FFFF);
            Map<String, Object> endpoint = new LinkedHashMap<>();
            endpoint.put("_id", id);
            endpoint.put("cloudProviderEndpointId", null);
            endpoint.put("comment", comment);
            endpoint.put("endpointServiceName", null);
            endpoint.put("errorMessage", null);
            endpoint.put("status", "RESERVATION_REQUESTED");
            collections.computeIfAbsent(collection, unused -> new LinkedHashMap<>()).put(id, endpoint);
            created++;
            return endpoint;
        }

        private synchronized List<Object> all(String collection) {
            return new ArrayList<>(collections.getOrDefault(collection, Map.of()).values());
        }

        private synchronized Object find(String collection, String id) {
            return collections.getOrDefault(collection, Map.of()).get(id);
        }

        synchronized int created() {
            return created;
        }

        synchronized void clear() {
            collections.clear();
            created = 0;
        }
    }

    /** The unguarded side door. */
    private static final class Control extends AbstractHandler {
        private final Counter counter;

        Control(Counter counter) {
            this.counter = counter;
        }

        @Override
        public void handle(String target, Request base, HttpServletRequest request, HttpServletResponse response)
                throws IOException {
            base.setHandled(true);
            switch (request.getMethod() + " " + target) {
                case "GET /stats":
                    // Turned into text while the counts stand still.
                    synchronized (counter) {
                        answer(response, 200, counter.stats());
                    }
                    return;
                case "POST /reset":
                    counter.reset();
                    break;
                case "POST /delay":
                    counter.delayMs = Integer.parseInt(request.getParameter("ms"));
                    break;
                case "POST /forget-nonces":
                    try {
                        counter.forgetNonces();
                    } catch (Exception failure) {
                        throw new IOException(failure);
                    }
                    break;
                case "GET /quit":
                    Runtime.getRuntime().halt(0);
                    break;
                default:
                    response.setStatus(404);
                    return;
            }
            response.setStatus(204);
        }
    }

    private JettyDigest() {}
}
