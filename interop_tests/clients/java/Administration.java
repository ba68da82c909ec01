import java.lang.reflect.Method;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

class Administration {
    static Map<String, Object> offsets(Asked asked) throws Exception {
        try (var producer = asked.producer()) {
            for (long i = 0; i < 10; i++) producer.send(new ProducerRecord<>(asked.topic(), 0, 1000L + i, null, "v"));
        }
        Map<String, Object> told = new TreeMap<>();
        try (Admin admin = asked.admin()) {
            told.put("earliest", List.of(at(asked, admin, 0, OffsetSpec.earliest()), at(asked, admin, 1, OffsetSpec.earliest())));
            told.put("latest", List.of(at(asked, admin, 0, OffsetSpec.latest()), at(asked, admin, 1, OffsetSpec.latest())));
            told.put("at 1004", at(asked, admin, 0, OffsetSpec.forTimestamp(1004)));
            Method largest = OffsetSpec.class.getMethod("maxTimestamp"); // since 3.0
            told.put("largest", at(asked, admin, 0, (OffsetSpec) largest.invoke(null)));
        } catch (NoSuchMethodException tooOld) {
            told.remove("largest");
        }
        return told;
    }

    private static long at(Asked asked, Admin admin, int index, OffsetSpec moment) throws Exception {
        TopicPartition partition = new TopicPartition(asked.topic(), index);
        return admin.listOffsets(Map.of(partition, moment)).partitionResult(partition).get().offset();
    }

    /** Makes, changes and deletes a topic; the one it was given is there already. */
    static Map<String, Object> topics(Asked asked) throws Exception {
        String name = asked.topic() + "-made";
        Map<String, Object> told = new TreeMap<>();
        try (Admin admin = asked.admin(); var producer = asked.producer()) {
            NewTopic wanted = new NewTopic(name, 3, (short) 1).configs(Map.of("retention.ms", "60000"));
            NewTopic unknown = new NewTopic(name + "-2", 1, (short) 1).configs(Map.of("no.such", "1"));
            admin.createTopics(Set.of(wanted)).all().get();
            Asked.eventually("it is there", () -> count(asked, name) == 3);
            told.put("created", count(asked, name));
            told.put("again", Asked.code(() -> admin.createTopics(Set.of(wanted)).all().get()));
            told.put("unknown setting", Asked.code(() -> admin.createTopics(Set.of(unknown)).all().get()));
            told.put("settings", settings(admin, name));

            alter(admin, name, new AlterConfigOp(new ConfigEntry("retention.ms", "3600000"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.SET));
            Asked.eventually("it is altered", () -> settings(admin, name).contains("compact"));
            told.put("altered", settings(admin, name));
            alter(admin, name, new AlterConfigOp(new ConfigEntry("cleanup.policy", ""), AlterConfigOp.OpType.DELETE));
            Asked.eventually("it is the default", () -> settings(admin, name).contains("delete"));

            admin.createPartitions(Map.of(name, NewPartitions.increaseTo(5))).all().get();
            Asked.eventually("there are more", () -> count(asked, name) == 5);
            told.put("fewer partitions",
                Asked.code(() -> admin.createPartitions(Map.of(name, NewPartitions.increaseTo(2))).all().get()));
            told.put("listed", admin.listTopics().names().get().contains(name));

            for (int i = 0; i < 5; i++) asked.send(producer, null, "v");
            TopicPartition partition = new TopicPartition(asked.topic(), 0);
            long low = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(3)))
                .lowWatermarks().get(partition).get().lowWatermark();
            told.put("deleted before", List.of(low, at(asked, admin, 0, OffsetSpec.earliest())));

            admin.deleteTopics(Set.of(name)).all().get();
            Asked.eventually("it is gone", () -> !admin.listTopics().names().get().contains(name));
            told.put("deleted again", Asked.code(() -> admin.deleteTopics(Set.of(name)).all().get()));
            told.put("nodes", admin.describeCluster().nodes().get().size());
        }
        return told;
    }

    private static int count(Asked asked, String topic) {
        try (var consumer = asked.consumer("allow.auto.create.topics", false)) {
            var partitions = consumer.partitionsFor(topic);
            return partitions == null ? 0 : partitions.size();
        }
    }

    private static List<String> settings(Admin admin, String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        var described = admin.describeConfigs(Set.of(resource)).all().get().get(resource);
        return List.of(described.get("retention.ms").value(), described.get("cleanup.policy").value());
    }

    private static void alter(Admin admin, String topic, AlterConfigOp... changes) throws Exception {
        Map<ConfigResource, Collection<AlterConfigOp>> wanted =
            Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), List.of(changes));
        admin.incrementalAlterConfigs(wanted).all().get();
    }

    /** Makes offsets of a group without members, changes and deletes them. */
    static Map<String, Object> groups(Asked asked) throws Exception {
        String group = asked.topic();
        Map<String, Object> told = new TreeMap<>();
        try (Admin admin = asked.admin()) {
            admin.alterConsumerGroupOffsets(group, offsets(asked, 1)).all().get();
            told.put("stored", stored(admin, group));
            told.put("state", admin.describeConsumerGroups(Set.of(group)).all().get().get(group).state().toString());
            told.put("listed", admin.listConsumerGroups().all().get().stream()
                .anyMatch(each -> each.groupId().equals(group)));
            admin.alterConsumerGroupOffsets(group, offsets(asked, 7)).all().get();
            told.put("altered", stored(admin, group));
            admin.deleteConsumerGroupOffsets(group, Set.of(new TopicPartition(asked.topic(), 1))).all().get();
            told.put("one deleted", stored(admin, group));
            admin.deleteConsumerGroups(Set.of(group)).all().get();
            told.put("deleted again", Asked.code(() -> admin.deleteConsumerGroups(Set.of(group)).all().get()));
            told.put("left", stored(admin, group).size());
        }
        return told;
    }

    private static Map<TopicPartition, OffsetAndMetadata> offsets(Asked asked, long offset) {
        return Map.of(new TopicPartition(asked.topic(), 0), new OffsetAndMetadata(offset),
            new TopicPartition(asked.topic(), 1), new OffsetAndMetadata(offset + 1));
    }

    private static Map<Integer, Long> stored(Admin admin, String group) throws Exception {
        return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().entrySet().stream()
            .collect(Collectors.toMap(each -> each.getKey().partition(), each -> each.getValue().offset()));
    }
}
