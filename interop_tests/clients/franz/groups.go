package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member consumes in a group until it is stopped.
type member struct {
	client *kgo.Client
	stop   func()

	lock     sync.Mutex
	assigned map[int32]bool
	read     []string
	changes  int // how often partitions came or went
}

func join(wanted asked, options ...kgo.Opt) *member {
	ctx, cancel := context.WithCancel(context.Background())
	joined := &member{assigned: map[int32]bool{}}
	change := func(isMine bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			joined.lock.Lock()
			defer joined.lock.Unlock()
			for _, partition := range partitions[wanted.Topic] {
				joined.changes++
				if isMine {
					joined.assigned[partition] = true
				} else {
					delete(joined.assigned, partition)
				}
			}
		}
	}
	options = append(options,
		kgo.ConsumerGroup(wanted.Topic), kgo.ConsumeTopics(wanted.Topic), kgo.HeartbeatInterval(200*time.Millisecond),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(200*time.Millisecond),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false)),
	)
	if wanted.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer()))
	}
	joined.client = client(wanted, options...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			fetches := joined.client.PollFetches(ctx)
			joined.lock.Lock()
			joined.read = append(joined.read, values(fetches.Records())...)
			joined.lock.Unlock()
		}
	}()
	joined.stop = func() {
		cancel()
		<-done
		joined.client.Close()
	}
	return joined
}

func (joined *member) partitions() []int32 {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	mine := []int32{}
	for partition := range joined.assigned {
		mine = append(mine, partition)
	}
	slices.Sort(mine)
	return mine
}

func (joined *member) has(count int) func() bool {
	return func() bool { return len(joined.partitions()) == count }
}

func (joined *member) changed() int {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	return joined.changes
}

func (joined *member) said() []string {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	return append([]string{}, joined.read...)
}

func group(wanted asked) told {
	first := join(wanted)
	eventually("one has all", first.has(4))
	alone := first.partitions()
	second := join(wanted)
	eventually("both have half", func() bool { return first.has(2)() && second.has(2)() })
	shared := [][]int32{first.partitions(), second.partitions()}

	producer := client(wanted, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer producer.Close()
	for number := range int32(40) {
		value := fmt.Appendf(nil, "%02d", number)
		send(producer, &kgo.Record{Topic: wanted.Topic, Partition: number % 4, Value: value})
	}
	read := func() []string { // once each: what was not committed yet may come twice
		all := append(first.said(), second.said()...)
		slices.Sort(all)
		return slices.Compact(all)
	}
	eventually("all is read", func() bool { return len(read()) == 40 })
	first.stop()
	eventually("the other has all", second.has(4))
	defer second.stop()
	return told{"alone": alone, "shared": shared, "after": second.partitions(), "read": read()}
}

func resume(wanted asked) told {
	producer := client(wanted)
	defer producer.Close()
	for number := range 10 {
		send(producer, &kgo.Record{Topic: wanted.Topic, Value: fmt.Appendf(nil, "%d", number)})
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(wanted.Topic), kgo.ConsumeTopics(wanted.Topic), kgo.DisableAutoCommit(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
	}
	if wanted.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer()))
	}
	read := func(count int) []*kgo.Record {
		consumer := client(wanted, options...)
		defer consumer.Close()
		var records []*kgo.Record
		for len(records) < count {
			fetches := consumer.PollRecords(within(), count-len(records))
			must(fetches.Err())
			records = append(records, fetches.Records()...)
		}
		must(consumer.CommitRecords(within(), records...))
		return records
	}
	first, then := values(read(5)), values(read(5))
	stored, _ := got(kadm.NewClient(producer).FetchOffsets(within(), wanted.Topic)).Lookup(wanted.Topic, 0)
	return told{"first": first, "then": then, "committed": stored.At}
}

func staticMembers(wanted asked) told {
	one, two := join(wanted, kgo.InstanceID("one")), join(wanted, kgo.InstanceID("two"))
	defer two.stop()
	eventually("both have half", func() bool { return one.has(2)() && two.has(2)() })
	before, changes := one.partitions(), two.changed()
	one.stop()
	again := join(wanted, kgo.InstanceID("one"))
	defer again.stop()
	eventually("it is back", again.has(2))
	return told{"before": before, "after": again.partitions(), "changes of the other": two.changed() - changes}
}

func shareGroup(wanted asked) told {
	producer := client(wanted)
	defer producer.Close()
	readFromTheStart(producer, wanted.Topic)
	options := []kgo.Opt{kgo.ShareGroup(wanted.Topic), kgo.ConsumeTopics(wanted.Topic)}
	consumers := []*kgo.Client{client(wanted, options...), client(wanted, options...)}
	admin := kadm.NewClient(producer)
	for number := range 20 {
		send(producer, &kgo.Record{Topic: wanted.Topic, Value: fmt.Appendf(nil, "%02d", number)})
	}
	read := map[string]int{}
	for deadline := time.Now().Add(patience); len(read) < 20 && time.Now().Before(deadline); {
		for _, consumer := range consumers {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			for _, record := range consumer.PollFetches(ctx).Records() {
				read[string(record.Value)]++
				record.Ack(kgo.AckAccept)
			}
			cancel()
		}
	}
	members := len(got(admin.DescribeShareGroups(within(), wanted.Topic))[wanted.Topic].Members)
	for _, consumer := range consumers {
		consumer.Close()
	}
	return told{"read": read, "members": members}
}

// readFromTheStart sets what a share group reads of a topic that is new to it; its members cannot say.
func readFromTheStart(client *kgo.Client, group string) {
	const groups = 32
	earliest, setting := "earliest", kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	setting.Name, setting.Value = "share.auto.offset.reset", &earliest
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = groups, group
	resource.Configs = append(resource.Configs, setting)
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	request.Resources = append(request.Resources, resource)
	must(kerr.ErrorForCode(got(request.RequestWith(within(), client)).Resources[0].ErrorCode))
}
