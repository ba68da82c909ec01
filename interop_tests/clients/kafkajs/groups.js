'use strict'

const { eventually, kafka, using } = require('./client')

// join consumes in a group until it is stopped; no more than `limit` records.
async function join(asked, limit = Infinity) {
  const consumer = kafka(asked).consumer({
    groupId: asked.topic, heartbeatInterval: 200, maxWaitTimeInMs: 100, sessionTimeout: 10_000,
  })
  const member = { assigned: [], read: [], stop: () => consumer.disconnect() }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.assigned = [...(payload.memberAssignment[asked.topic] || [])].sort()
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [asked.topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      if (member.read.length >= limit) return
      member.read.push(message.value.toString())
      const offset = `${Number(message.offset) + 1}`
      await consumer.commitOffsets([{ topic: asked.topic, partition, offset }])
    },
  })
  return member
}

async function group(asked) {
  const first = await join(asked)
  await eventually('one has all', () => first.assigned.length === 4)
  const alone = first.assigned
  const second = await join(asked)
  await eventually('both have half', () => first.assigned.length === 2 && second.assigned.length === 2)
  const shared = [first.assigned, second.assigned]
  await using(kafka(asked).producer(), async (producer) => {
    for (let number = 0; number < 40; number++) {
      const message = { partition: number % 4, value: `${number}`.padStart(2, '0') }
      await producer.send({ topic: asked.topic, messages: [message] })
    }
  })
  // Once each: what was not committed yet may come twice.
  const read = () => [...new Set([...first.read, ...second.read])].sort()
  await eventually('all is read', () => read().length === 40)
  await first.stop()
  await eventually('the other has all', () => second.assigned.length === 4)
  await second.stop()
  return { alone, shared, after: second.assigned, read: read() }
}

async function resume(asked) {
  await using(kafka(asked).producer(), async (producer) => {
    for (let number = 0; number < 10; number++)
      await producer.send({ topic: asked.topic, messages: [{ value: `${number}` }] })
  })
  const readFive = async () => {
    const member = await join(asked, 5)
    await eventually('five are read', () => member.read.length === 5)
    await member.stop()
    return member.read
  }
  const [first, then] = [await readFive(), await readFive()]
  return { first, then, committed: (await stored(asked))[0] }
}

// stored is what the group that is called as the topic is has committed.
async function stored(asked) {
  const [told] = await using(kafka(asked).admin(), (admin) =>
    admin.fetchOffsets({ groupId: asked.topic, topics: [asked.topic] })
  )
  const committed = told.partitions.filter(({ offset }) => offset !== '-1')
  return Object.fromEntries(committed.map(({ partition, offset }) => [partition, Number(offset)]))
}

// commit commits for a group without members, in a transaction: what else there is sleeps for 5 s.
async function commit(asked, partitions) {
  const { topic } = asked
  const options = { transactionalId: topic, idempotent: true, maxInFlightRequests: 1 }
  await using(kafka(asked).producer(options), async (producer) => {
    const transaction = await producer.transaction()
    await transaction.sendOffsets({ consumerGroupId: topic, topics: [{ topic, partitions }] })
    await transaction.commit()
  })
  await eventually('it is committed', async () => Object.keys(await stored(asked)).length === partitions.length)
}

async function groups(asked) {
  const { topic } = asked
  return using(kafka(asked).admin(), async (admin) => {
    const partitions = (offset) => [{ partition: 0, offset: `${offset}` }, { partition: 1, offset: `${offset + 1}` }]
    await commit(asked, partitions(1))
    const told = { stored: await stored(asked) }
    told.state = (await admin.describeGroups([topic])).groups[0].state
    told.listed = (await admin.listGroups()).groups.some(({ groupId }) => groupId === topic)
    await admin.setOffsets({ groupId: topic, topic, partitions: partitions(7) })
    told.altered = await stored(asked)
    await admin.deleteGroups([topic])
    told['deleted again'] = await admin.deleteGroups([topic]).then(
      () => 0,
      (error) => error.groups[0].errorCode
    )
    told.left = Object.keys(await stored(asked)).length
    return told
  })
}

module.exports = { group, resume, groups }
