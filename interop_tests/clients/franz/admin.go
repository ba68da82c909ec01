package main

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topics makes, changes and deletes a topic; the one it was given is there already.
func topics(wanted asked) told {
	producer := client(wanted)
	defer producer.Close()
	admin, name := kadm.NewClient(producer), wanted.Topic+"-made"
	setting := func(key string) string {
		described := got(got(admin.DescribeTopicConfigs(within(), name)).On(name, nil))
		for _, each := range described.Configs {
			if each.Key == key {
				return each.MaybeValue()
			}
		}
		return ""
	}
	count := func() int { return len(got(admin.ListTopics(within(), name))[name].Partitions) }

	minute, policy := "60000", "compact"
	_, err := admin.CreateTopic(within(), 3, 1, map[string]*string{"retention.ms": &minute}, name)
	must(err)
	eventually("it is there", func() bool { return count() == 3 })
	_, again := admin.CreateTopic(within(), 3, 1, nil, name)
	_, unknown := admin.CreateTopic(within(), 1, 1, map[string]*string{"no.such": &minute}, name+"-2")
	answer := told{"created": count(), "again": code(again), "unknown setting": code(unknown)}
	answer["settings"] = []string{setting("retention.ms"), setting("cleanup.policy")}

	hour := "3600000"
	_, err = admin.AlterTopicConfigs(within(), []kadm.AlterConfig{
		{Name: "retention.ms", Value: &hour}, {Name: "cleanup.policy", Value: &policy},
	}, name)
	must(err)
	eventually("it is altered", func() bool { return setting("cleanup.policy") == policy })
	altered := []string{setting("retention.ms"), setting("cleanup.policy")}
	_, err = admin.AlterTopicConfigs(within(), []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "cleanup.policy"}}, name)
	must(err)
	eventually("it is the default", func() bool { return setting("cleanup.policy") == "delete" })
	answer["altered"] = altered

	must(got(admin.UpdatePartitions(within(), 5, name))[name].Err)
	eventually("there are more", func() bool { return count() == 5 })
	answer["fewer partitions"] = code(got(admin.UpdatePartitions(within(), 2, name))[name].Err)
	answer["listed"] = got(admin.ListTopics(within())).Has(name)

	for range 5 {
		send(producer, &kgo.Record{Topic: wanted.Topic, Value: []byte("v")})
	}
	var before kadm.Offsets
	before.AddOffset(wanted.Topic, 0, 3, -1)
	deleted := got(admin.DeleteRecords(within(), before))[wanted.Topic][0]
	must(deleted.Err)
	first, _ := got(admin.ListStartOffsets(within(), wanted.Topic)).Lookup(wanted.Topic, 0)
	answer["deleted before"] = []int64{deleted.LowWatermark, first.Offset}

	_, err = admin.DeleteTopic(within(), name)
	must(err)
	eventually("it is gone", func() bool { return !got(admin.ListTopics(within())).Has(name) })
	_, missing := admin.DeleteTopic(within(), name)
	answer["deleted again"] = code(missing)
	answer["nodes"] = len(got(admin.ListBrokers(within())))
	return answer
}

// groups makes offsets of a group without members, changes and deletes them.
func groups(wanted asked) told {
	producer := client(wanted)
	defer producer.Close()
	admin, name := kadm.NewClient(producer), wanted.Topic
	commit := func(offset int64) {
		var offsets kadm.Offsets
		offsets.AddOffset(name, 0, offset, -1)
		offsets.AddOffset(name, 1, offset+1, -1)
		must(admin.CommitAllOffsets(within(), name, offsets))
	}
	stored := func() map[int32]int64 {
		at := map[int32]int64{}
		got(admin.FetchOffsets(within(), name)).Each(func(each kadm.OffsetResponse) { at[each.Partition] = each.At })
		return at
	}
	commit(1)
	answer := told{"stored": stored(), "state": got(admin.DescribeGroups(within(), name))[name].State}
	answer["listed"] = slices.Contains(got(admin.ListGroups(within())).Groups(), name)
	commit(7)
	answer["altered"] = stored()
	removed := got(admin.DeleteOffsets(within(), name, kadm.TopicsSet{name: {1: {}}}))
	must(removed.Error())
	answer["one deleted"] = stored()
	_, err := admin.DeleteGroup(within(), name)
	must(err)
	_, missing := admin.DeleteGroup(within(), name)
	answer["deleted again"] = code(missing)
	answer["left"] = len(stored())
	return answer
}
