import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A receiver of callbacks: it verifies each call, stores it under its id, responds, and works after that.
 *
 * <pre>CALLBACK_KEY="$(proposals callback-secret 127.0.0.1)" java examples/Receiver.java 9000 calls</pre>
 *
 * The arguments are the port and the folder that keeps the calls. CALLBACK_KEY has one key, or several separated by
 * white space while keys rotate. It needs a JDK, from 17 on, and no library. It listens on loopback by http: in
 * production, a proxy in front of it speaks https.
 */
public class Receiver {
    private static final int MAX_BODY_BYTES = 64 * 1024;
    private static final long TOLERANCE_SECONDS = 300;
    private static final Pattern TIMESTAMP = Pattern.compile("[0-9]{1,12}");
    private static final Pattern WEBHOOK_ID = Pattern.compile("msg_[0-9a-f]{32}"); // it becomes the name of a file
    // The JDK reads no JSON. A real receiver uses its own library, on a body that has been verified.
    private static final Pattern EVENT =
        Pattern.compile("\"type\":\"([a-z.]+)\".*?\"operation_id\":\"(pop_[0-9a-f]+)\"");

    private final List<byte[]> keys;
    private final Path folder;
    private final ExecutorService worker = Executors.newSingleThreadExecutor();

    Receiver(List<byte[]> keys, Path folder) {
        this.keys = keys;
        this.folder = folder;
    }

    public static void main(String[] arguments) throws IOException {
        int port = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 9000;
        Path folder = Files.createDirectories(Path.of(arguments.length > 1 ? arguments[1] : "calls"));
        List<byte[]> keys = keys(System.getenv().getOrDefault("CALLBACK_KEY", ""));
        if (keys.isEmpty()) {
            System.err.println("Receiver: set CALLBACK_KEY to what `proposals callback-secret HOST` prints, whsec_...");
            System.exit(2);
        }
        Receiver receiver = new Receiver(keys, folder);
        receiver.resume();
        System.setProperty("sun.net.httpserver.maxReqTime", "10"); // seconds until a slow caller is disconnected
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/callbacks", receiver::handle);
        server.start();
        System.out.println("listening at http://127.0.0.1:" + server.getAddress().getPort() + "/callbacks");
    }

    /** The keys of a text, or none when one of them is unusable: with an empty key anyone could sign. */
    private static List<byte[]> keys(String text) {
        List<byte[]> keys = new ArrayList<>();
        for (String secret : text.strip().split("\\s+")) {
            try {
                byte[] key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
                if (key.length == 0) return List.of();
                keys.add(key);
            } catch (IllegalArgumentException notBase64) {
                return List.of();
            }
        }
        return keys;
    }

    private void handle(HttpExchange call) throws IOException {
        try (call) {
            call.sendResponseHeaders(statusFor(call), -1);
        }
    }

    private int statusFor(HttpExchange call) throws IOException {
        if (!call.getRequestMethod().equals("POST")) {
            call.getResponseHeaders().set("Allow", "POST");
            return 405;
        }
        byte[] body = call.getRequestBody().readNBytes(MAX_BODY_BYTES + 1);
        if (body.length > MAX_BODY_BYTES) return 413;
        String refusal = refusal(call.getRequestHeaders(), body);
        if (refusal != null) {
            System.out.println("refused: " + refusal);
            return 401;
        }
        String id = call.getRequestHeaders().getFirst("webhook-id");
        try {
            if (store(id, body)) {
                worker.execute(() -> work(id));
            } else {
                System.out.println("seen before " + id);
            }
        } catch (IOException failure) {
            System.err.println("cannot store " + id + ": " + failure);
            return 503; // the service sends it again
        }
        return 204;
    }

    /** Why this call is not from the service or not from now; null for a call to take. */
    private String refusal(Headers headers, byte[] body) {
        String id = headers.getFirst("webhook-id");
        String timestamp = headers.getFirst("webhook-timestamp");
        String signatures = headers.getFirst("webhook-signature");
        if (id == null || timestamp == null || signatures == null) return "a webhook header is missing";
        boolean isWellFormed = WEBHOOK_ID.matcher(id).matches() && TIMESTAMP.matcher(timestamp).matches();
        if (!isWellFormed) return "a webhook header is malformed";
        long age = System.currentTimeMillis() / 1000 - Long.parseLong(timestamp);
        if (Math.abs(age) > TOLERANCE_SECONDS) return "the timestamp is more than five minutes off";
        byte[] signed = (id + "." + timestamp + ".").getBytes(StandardCharsets.US_ASCII);
        boolean isOurs = false;
        // Every signature is compared with every key, each in constant time: the duration tells a forger nothing.
        for (byte[] key : keys) {
            String digest = Base64.getEncoder().encodeToString(hmac(key, signed, body));
            byte[] expected = ("v1," + digest).getBytes(StandardCharsets.US_ASCII);
            for (String signature : signatures.split(" ")) {
                isOurs |= MessageDigest.isEqual(expected, signature.getBytes(StandardCharsets.ISO_8859_1));
            }
        }
        return isOurs ? null : "no signature is of a key that we have";
    }

    private static byte[] hmac(byte[] key, byte[]... parts) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            for (byte[] part : parts) mac.update(part);
            return mac.doFinal();
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every JDK has HmacSHA256", impossible);
        }
    }

    /**
     * Whether the call is new. Its file is whole and on the disk before it gets its name, and two calls cannot have the
     * same name: what a table with a unique key does for a real receiver. Remove files after 35 days, not sooner: the
     * service repeats a call for that long.
     */
    private boolean store(String id, byte[] body) throws IOException {
        Path arriving = Files.createTempFile(folder, "arriving-", null);
        try {
            Files.write(arriving, body, StandardOpenOption.SYNC);
            Files.createLink(folder.resolve(id + ".json"), arriving);
            return true;
        } catch (FileAlreadyExistsException known) {
            return false;
        } finally {
            Files.delete(arriving);
        }
    }

    /** Do the work of a stored call. Your own program's part begins here, for example with a read of the result. */
    private void work(String id) {
        try {
            Matcher event = EVENT.matcher(Files.readString(folder.resolve(id + ".json")));
            System.out.println("taken " + (event.find() ? event.group(1) + " " + event.group(2) : id));
            Files.createFile(folder.resolve(id + ".done"));
        } catch (IOException failure) {
            System.err.println("cannot work on " + id + ", the next start tries again: " + failure);
        }
    }

    /** Work on the calls that were stored before this process was stopped, and not worked on. */
    private void resume() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<String> names = files.map(file -> file.getFileName().toString()).sorted().collect(Collectors.toList());
            for (String name : names) {
                String id = name.replaceFirst("\\.json$", "");
                if (!id.equals(name) && !names.contains(id + ".done")) worker.execute(() -> work(id));
            }
        }
    }
}
