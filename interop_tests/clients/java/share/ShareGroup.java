import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Two consumers of a share group (KIP-932). */
public class ShareGroup {
    public static Map<String, Object> play(Asked asked) throws Exception {
        try (Admin admin = asked.admin()) {
            ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, asked.topic());
            AlterConfigOp fromTheStart =
                new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET);
            admin.incrementalAlterConfigs(Map.of(group, List.of(fromTheStart))).all().get();
            try (var producer = asked.producer()) {
                for (int i = 0; i < 20; i++) asked.send(producer, null, String.format("%02d", i));
            }
            Map<String, Integer> read = new TreeMap<>();
            List<KafkaShareConsumer<String, String>> consumers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                consumers.add(new KafkaShareConsumer<>(
                    asked.settings("group.id", asked.topic()), new StringDeserializer(), new StringDeserializer()));
                consumers.get(i).subscribe(List.of(asked.topic()));
            }
            Asked.eventually("all is read", () -> {
                for (var consumer : consumers)
                    consumer.poll(Asked.A_MOMENT).forEach(each -> read.merge(each.value(), 1, Integer::sum));
                return read.size() == 20 && members(admin, asked) == 2;
            });
            int members = members(admin, asked);
            consumers.forEach(KafkaShareConsumer::close);
            return Map.of("read", read, "members", members);
        }
    }

    private static int members(Admin admin, Asked asked) throws Exception {
        return admin.describeShareGroups(Set.of(asked.topic())).all().get().get(asked.topic()).members().size();
    }
}
