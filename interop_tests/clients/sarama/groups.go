package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// member consumes in a group until it is stopped, or has read as much as it wants.
type member struct {
	topic string
	limit int // of records to read; none if 0
	stop  func()

	lock     sync.Mutex
	assigned []int32
	read     []string
	changes  int // how often it was given partitions, or they were taken
}

func join(wanted asked, limit int, changes ...func(*sarama.Config)) *member {
	ctx, cancel := context.WithCancel(context.Background())
	joined, done := &member{topic: wanted.Topic, limit: limit}, make(chan struct{})
	chosen := config(append(changes, func(chosen *sarama.Config) {
		chosen.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond
		chosen.Consumer.Group.Rebalance.Retry.Backoff = 100 * time.Millisecond
		chosen.Consumer.MaxWaitTime = 100 * time.Millisecond
		chosen.Consumer.Offsets.AutoCommit.Enable = false
	})...)
	client := got(sarama.NewConsumerGroup([]string{wanted.Broker}, wanted.Topic, chosen))
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := client.Consume(ctx, []string{wanted.Topic}, joined); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
		client.Close()
	}()
	joined.stop = func() {
		cancel()
		<-done
	}
	return joined
}

func (joined *member) Setup(session sarama.ConsumerGroupSession) error {
	return joined.change(slices.Sorted(slices.Values(session.Claims()[joined.topic])))
}

func (joined *member) Cleanup(sarama.ConsumerGroupSession) error { return joined.change([]int32{}) }

func (joined *member) change(assigned []int32) error {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	joined.assigned = assigned
	joined.changes++
	return nil
}

func (joined *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case <-session.Context().Done():
			return nil
		case message, isOpen := <-claim.Messages():
			if !isOpen || !joined.take(string(message.Value)) {
				return nil
			}
			session.MarkMessage(message, "")
			session.Commit()
		}
	}
}

func (joined *member) take(value string) bool {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	if joined.limit > 0 && len(joined.read) == joined.limit {
		return false
	}
	joined.read = append(joined.read, value)
	return true
}

func (joined *member) partitions() []int32 {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	return joined.assigned
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
	first := join(wanted, 0)
	eventually("one has all", func() bool { return len(first.partitions()) == 4 })
	alone := first.partitions()
	second := join(wanted, 0)
	defer second.stop()
	eventually("both have half", func() bool { return len(first.partitions()) == 2 && len(second.partitions()) == 2 })
	shared := [][]int32{first.partitions(), second.partitions()}

	producer := producer(wanted, byHand)
	defer producer.Close()
	for number := range int32(40) {
		each := message(wanted, fmt.Sprintf("%02d", number))
		each.Partition = number % 4
		_, _, err := producer.SendMessage(each)
		must(err)
	}
	read := func() []string { // once each: what was not committed yet may come twice
		all := append(first.said(), second.said()...)
		slices.Sort(all)
		return slices.Compact(all)
	}
	eventually("all is read", func() bool { return len(read()) == 40 })
	first.stop()
	eventually("the other has all", func() bool { return len(second.partitions()) == 4 })
	return told{"alone": alone, "shared": shared, "after": second.partitions(), "read": read()}
}

func resume(wanted asked) told {
	producer := producer(wanted)
	defer producer.Close()
	for number := range 10 {
		_, _, err := producer.SendMessage(message(wanted, fmt.Sprint(number)))
		must(err)
	}
	readFive := func() []string {
		reader := join(wanted, 5)
		defer reader.stop()
		eventually("five are read", func() bool { return len(reader.said()) == 5 })
		return reader.said()
	}
	first, then := readFive(), readFive()
	return told{"first": first, "then": then, "committed": stored(wanted)[0]}
}

func staticMembers(wanted asked) told {
	as := func(id string) func(*sarama.Config) {
		return func(chosen *sarama.Config) { chosen.Consumer.Group.InstanceId = id }
	}
	one, two := join(wanted, 0, as("one")), join(wanted, 0, as("two"))
	defer two.stop()
	eventually("both have half", func() bool { return len(one.partitions()) == 2 && len(two.partitions()) == 2 })
	before, changes := one.partitions(), two.changed()
	one.stop()
	again := join(wanted, 0, as("one"))
	defer again.stop()
	eventually("it is back", func() bool { return len(again.partitions()) == 2 })
	return told{"before": before, "after": again.partitions(), "changes of the other": two.changed() - changes}
}
