import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;

/**
 * The scenarios of test_foreign_clients.py, with the Java client; compiled for each of its versions.
 *
 * A line of input is a scenario: its name, where the broker is, and a topic of its own. A line of output is what
 * happened, or why it failed. What should have happened is known to the test alone.
 */
public class Main {
    interface Scenario {
        Map<String, Object> play(Asked asked) throws Exception;
    }

    private static final Map<String, Scenario> SCENARIOS = Map.ofEntries(
        Map.entry("codecs", Produce::codecs), Map.entry("keys", Produce::keys), Map.entry("records", Produce::records),
        Map.entry("acks", Produce::acks), Map.entry("idempotent", Produce::idempotent),
        Map.entry("too large", Produce::tooLarge), Map.entry("transactions", Produce::transactions),
        Map.entry("group", Groups::group), Map.entry("resume", Groups::resume),
        Map.entry("static members", Groups::staticMembers), Map.entry("share group", Main::shareGroup),
        Map.entry("offsets", Administration::offsets), Map.entry("topics", Administration::topics),
        Map.entry("groups", Administration::groups));

    public static void main(String[] none) throws Exception {
        ObjectMapper json = new ObjectMapper();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode wanted = json.readTree(line);
            Asked asked = new Asked(
                wanted.get("broker").asText(), wanted.get("topic").asText(), wanted.get("protocol").asText());
            System.out.println(json.writeValueAsString(run(SCENARIOS.get(wanted.get("scenario").asText()), asked)));
        }
    }

    private static Map<String, Object> run(Scenario scenario, Asked asked) {
        try {
            return Map.of("told", scenario.play(asked));
        } catch (Throwable wrong) {
            StringWriter trace = new StringWriter();
            wrong.printStackTrace(new PrintWriter(trace));
            return Map.of("failed", trace.toString());
        }
    }

    /** In a class that is compiled for those versions only that have share groups. */
    @SuppressWarnings("unchecked")
    private static Map<String, Object> shareGroup(Asked asked) throws Exception {
        return (Map<String, Object>) Class.forName("ShareGroup").getMethod("play", Asked.class).invoke(null, asked);
    }
}
