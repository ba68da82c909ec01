import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.TaskMetadata;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.processor.TaskId;

/**
 * Counts the words of one topic into another, as a Kafka Streams application would: to have each word in one place takes
 * a repartition topic, to keep the counts a changelog topic.
 *
 * Arguments: the topic to read, the topic to write, and settings as `key=value`. It says each state that it gets into.
 * For each line of input it says its active tasks, and with a `/` between its standby tasks, and what it knows of where
 * the counts of each partition are; when there is no more input it closes.
 */
public class WordCount {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("default.key.serde", Serdes.StringSerde.class.getName());
        settings.put("default.value.serde", Serdes.StringSerde.class.getName());
        for (String setting : Arrays.copyOfRange(arguments, 2, arguments.length)) {
            String[] pair = setting.split("=", 2);
            settings.put(pair[0], pair[1]);
        }

        StreamsBuilder topology = new StreamsBuilder();
        topology.<String, String>stream(arguments[0])
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word, Grouped.as("words"))
            .count(Materialized.as("counts"))
            .toStream()
            .mapValues(String::valueOf)
            .to(arguments[1]);

        KafkaStreams application = new KafkaStreams(topology.build(), settings);
        application.setStateListener((after, before) -> say("state " + after));
        application.start();
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        while (questions.readLine() != null) {
            say("tasks " + tasks(application));
            say("stores " + stores(application));
        }
        application.close();
    }

    private static String tasks(KafkaStreams application) {
        Set<TaskMetadata> active = application.metadataForLocalThreads().stream()
            .flatMap(thread -> thread.activeTasks().stream()).collect(Collectors.toSet());
        Set<TaskMetadata> standby = application.metadataForLocalThreads().stream()
            .flatMap(thread -> thread.standbyTasks().stream()).collect(Collectors.toSet());
        return named(active) + "/" + named(standby);
    }

    private static String stores(KafkaStreams application) {
        return application.streamsMetadataForStore("counts").stream()
            .map(instance -> instance.port() + "=" + instance.topicPartitions().stream()
                .filter(each -> each.topic().endsWith("-repartition")).map(each -> "" + each.partition())
                .sorted().collect(Collectors.joining(",")))
            .sorted().collect(Collectors.joining(" "));
    }

    private static String named(Set<TaskMetadata> tasks) {
        return tasks.stream().map(TaskMetadata::taskId).map(TaskId::toString).sorted().collect(Collectors.joining(","));
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
