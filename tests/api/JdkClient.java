import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;

/** Submits each file with the JDK's client as it is by default, reads its operation, and prints both statuses. */
class JdkClient {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        URI submissions = URI.create(arguments[0]);
        for (int number = 1; number < arguments.length; number++) {
            HttpRequest submit = HttpRequest.newBuilder(submissions)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", "jdk-" + number)
                .expectContinue(number % 2 == 0)
                .POST(BodyPublishers.ofFile(Path.of(arguments[number])))
                .build();
            HttpResponse<String> accepted = client.send(submit, BodyHandlers.ofString());
            URI operation = submissions.resolve(accepted.headers().firstValue("Location").orElseThrow());
            HttpRequest read = HttpRequest.newBuilder(operation).build();
            System.out.println(accepted.statusCode() + " " + client.send(read, BodyHandlers.ofString()).statusCode());
        }
    }
}
