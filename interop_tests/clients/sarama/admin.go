package main

import (
	"time"

	"github.com/IBM/sarama"
)

func administrator(wanted asked) sarama.ClusterAdmin {
	return got(sarama.NewClusterAdmin([]string{wanted.Broker}, config()))
}

func offsets(wanted asked) told {
	producer := producer(wanted, byHand)
	defer producer.Close()
	for number := range int64(10) {
		each := message(wanted, "v")
		each.Timestamp = time.UnixMilli(1000 + number)
		_, _, err := producer.SendMessage(each)
		must(err)
	}
	admin := administrator(wanted)
	defer admin.Close()
	at := func(partition int32, moment int64) int64 {
		listed := got(admin.ListOffsets(map[string]map[int32]int64{wanted.Topic: {partition: moment}}, nil))
		if refused := code(listed[wanted.Topic][partition].Err); refused != 0 {
			panic(refused)
		}
		return listed[wanted.Topic][partition].Offset
	}
	return told{
		"earliest": []int64{at(0, sarama.OffsetOldest), at(1, sarama.OffsetOldest)},
		"latest":   []int64{at(0, sarama.OffsetNewest), at(1, sarama.OffsetNewest)},
		"at 1004":  at(0, 1004),
	}
}

// topics makes, changes and deletes a topic; the one it was given is there already.
func topics(wanted asked) told {
	admin, name := administrator(wanted), wanted.Topic+"-made"
	defer admin.Close()
	setting := func(key string) string {
		resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: name, ConfigNames: []string{key}}
		return got(admin.DescribeConfig(resource))[0].Value
	}
	count := func() int { return len(got(admin.DescribeTopics([]string{name}))[0].Partitions) }
	listed := func() bool {
		_, isThere := got(admin.ListTopics())[name]
		return isThere
	}
	alter := func(key, value string, operation sarama.IncrementalAlterConfigsOperation) {
		change := map[string]sarama.IncrementalAlterConfigsEntry{key: {Operation: operation, Value: &value}}
		must(admin.IncrementalAlterConfig(sarama.TopicResource, name, change, false))
	}

	minute := "60000"
	detail := &sarama.TopicDetail{
		NumPartitions: 3, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": &minute},
	}
	unknown := &sarama.TopicDetail{
		NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: map[string]*string{"no.such": &minute},
	}
	must(admin.CreateTopic(name, detail, false))
	eventually("it is there", func() bool { return count() == 3 })
	answer := told{
		"created":         count(),
		"again":           code(admin.CreateTopic(name, detail, false)),
		"unknown setting": code(admin.CreateTopic(name+"-2", unknown, false)),
		"settings":        []string{setting("retention.ms"), setting("cleanup.policy")},
	}
	alter("retention.ms", "3600000", sarama.IncrementalAlterConfigsOperationSet)
	alter("cleanup.policy", "compact", sarama.IncrementalAlterConfigsOperationSet)
	eventually("it is altered", func() bool { return setting("cleanup.policy") == "compact" })
	answer["altered"] = []string{setting("retention.ms"), setting("cleanup.policy")}
	alter("cleanup.policy", "", sarama.IncrementalAlterConfigsOperationDelete)
	eventually("it is the default", func() bool { return setting("cleanup.policy") == "delete" })

	must(admin.CreatePartitions(name, 5, nil, false))
	eventually("there are more", func() bool { return count() == 5 })
	answer["fewer partitions"] = code(admin.CreatePartitions(name, 2, nil, false))
	answer["listed"] = listed()

	producer := producer(wanted)
	defer producer.Close()
	for range 5 {
		_, _, err := producer.SendMessage(message(wanted, "v"))
		must(err)
	}
	must(admin.DeleteRecords(wanted.Topic, map[int32]int64{0: 3}))
	earliest := map[string]map[int32]int64{wanted.Topic: {0: sarama.OffsetOldest}}
	first := got(admin.ListOffsets(earliest, nil))[wanted.Topic][0].Offset
	answer["deleted before"] = []int64{first, first} // it does not tell the low watermark that it was answered

	must(admin.DeleteTopic(name))
	eventually("it is gone", func() bool { return !listed() })
	answer["deleted again"] = code(admin.DeleteTopic(name))
	brokers, _, err := admin.DescribeCluster()
	must(err)
	answer["nodes"] = len(brokers)
	return answer
}

// groups makes offsets of a group without members, changes and deletes them.
func groups(wanted asked) told {
	admin, name := administrator(wanted), wanted.Topic
	defer admin.Close()
	commit := func(offset int64) {
		offsets := map[int32]sarama.OffsetAndMetadata{
			0: {Offset: offset, LeaderEpoch: -1}, 1: {Offset: offset + 1, LeaderEpoch: -1},
		}
		got(admin.AlterConsumerGroupOffsets(name, map[string]map[int32]sarama.OffsetAndMetadata{name: offsets}, nil))
	}
	commit(1)
	_, isListed := got(admin.ListConsumerGroups())[name]
	answer := told{
		"stored": stored(wanted), "state": got(admin.DescribeConsumerGroups([]string{name}))[0].State, "listed": isListed,
	}
	commit(7)
	answer["altered"] = stored(wanted)
	must(admin.DeleteConsumerGroupOffset(name, name, 1))
	answer["one deleted"] = stored(wanted)
	must(admin.DeleteConsumerGroup(name))
	answer["deleted again"] = code(admin.DeleteConsumerGroup(name))
	answer["left"] = len(stored(wanted))
	return answer
}

// stored is what the group that is called as the topic is has committed.
func stored(wanted asked) map[int32]int64 {
	admin := administrator(wanted)
	defer admin.Close()
	at := map[int32]int64{}
	for partition, block := range got(admin.ListConsumerGroupOffsets(wanted.Topic, nil)).Blocks[wanted.Topic] {
		at[partition] = block.Offset
	}
	return at
}
