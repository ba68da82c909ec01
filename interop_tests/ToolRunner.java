import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's tools one after the other in one JVM, as their own `main` and unmodified, for a JVM is slow to start.
 *
 * A line of input is a command: in base64 what it is told, class and arguments, separated by tabs. A line of output is its answer: exit status, a
 * tab, and in base64 what it printed. What a tool does to end the process ends its `main` only.
 */
public class ToolRunner {
    public static void main(String[] none) throws Exception {
        PrintStream answers = System.out;
        Exit.setExitProcedure((status, message) -> end(status));
        Exit.setHaltProcedure((status, message) -> end(status));
        // One for all commands: Scala's console keeps the stream that it saw first.
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream capture = new PrintStream(printed, true, StandardCharsets.UTF_8);
        System.setOut(capture);
        System.setErr(capture);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split("\t", -1);
            System.setIn(new ByteArrayInputStream(Base64.getDecoder().decode(words[0])));
            printed.reset();
            int status = run(words, capture);
            capture.flush();
            answers.println(status + "\t" + Base64.getEncoder().encodeToString(printed.toByteArray()));
            answers.flush();
        }
    }

    private static volatile CompletableFuture<Integer> ended;

    /** The tool has said all that it wants to: its thread stays here, for an exception would be caught and told. */
    private static void end(int status) {
        ended.complete(status);
        while (true) LockSupport.park();
    }

    private static int run(String[] words, PrintStream capture) throws Exception {
        ended = new CompletableFuture<>();
        Thread tool = new Thread(() -> {
            try {
                String[] arguments = Arrays.copyOfRange(words, 2, words.length);
                Class.forName(words[1]).getMethod("main", String[].class).invoke(null, (Object) arguments);
                ended.complete(0);
            } catch (InvocationTargetException wrapped) {
                wrapped.getCause().printStackTrace(capture);
                ended.complete(1);
            } catch (Throwable wrong) {
                wrong.printStackTrace(capture);
                ended.complete(127);
            }
        });
        tool.setDaemon(true);
        tool.start();
        return ended.get();
    }
}
