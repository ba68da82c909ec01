'use strict'

const { ConfigResourceTypes } = require('kafkajs')
const { eventually, kafka, refused, using } = require('./client')

async function offsets(asked) {
  const messages = [...Array(10).keys()].map((number) => ({ partition: 0, value: 'v', timestamp: `${1000 + number}` }))
  await using(kafka(asked).producer(), (producer) => producer.send({ topic: asked.topic, messages }))
  return using(kafka(asked).admin(), async (admin) => {
    const of = (listed, key) => [0, 1].map((index) => Number(listed.find(({ partition }) => partition === index)[key]))
    const told = await admin.fetchTopicOffsets(asked.topic)
    const later = await admin.fetchTopicOffsetsByTimestamp(asked.topic, 1004)
    return { earliest: of(told, 'low'), latest: of(told, 'high'), 'at 1004': of(later, 'offset')[0] }
  })
}

// topics makes, changes and deletes a topic; the one it was given is there already.
async function topics(asked) {
  const name = `${asked.topic}-made`
  return using(kafka(asked).admin(), async (admin) => {
    const listed = async () => (await admin.listTopics()).includes(name)
    const count = async () => (await admin.fetchTopicMetadata({ topics: [name] })).topics[0].partitions.length
    const settings = async () => {
      const configNames = ['retention.ms', 'cleanup.policy']
      const resources = [{ type: ConfigResourceTypes.TOPIC, name, configNames }]
      const described = await admin.describeConfigs({ resources, includeSynonyms: false })
      const entries = described.resources[0].configEntries
      return configNames.map((key) => entries.find(({ configName }) => configName === key).configValue)
    }
    const alter = (...configEntries) => {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name, configEntries }]
      return admin.alterConfigs({ validateOnly: false, resources })
    }
    const wanted = { topic: name, numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '60000' }] }
    const unknown = { topic: `${name}-2`, numPartitions: 1, configEntries: [{ name: 'no.such', value: '1' }] }

    await admin.createTopics({ topics: [wanted] })
    await eventually('it is there', async () => (await count()) === 3)
    const told = { created: await count() }
    told.again = (await admin.createTopics({ topics: [wanted] })) ? 0 : 36 // it says `false` of this error alone
    told['unknown setting'] = await refused(admin.createTopics({ topics: [unknown] }))
    told.settings = await settings()

    const retention = { name: 'retention.ms', value: '3600000' }
    await alter(retention, { name: 'cleanup.policy', value: 'compact' })
    await eventually('it is altered', async () => (await settings())[1] === 'compact')
    told.altered = await settings()
    await alter(retention)
    await eventually('it is the default', async () => (await settings())[1] === 'delete')

    await admin.createPartitions({ topicPartitions: [{ topic: name, count: 5 }] })
    await eventually('there are more', async () => (await count()) === 5)
    const fewer = { topicPartitions: [{ topic: name, count: 2 }] }
    told['fewer partitions'] = await refused(admin.createPartitions(fewer))
    told.listed = await listed()

    const messages = [...Array(5).keys()].map(() => ({ value: 'v' }))
    await using(kafka(asked).producer(), (producer) => producer.send({ topic: asked.topic, messages }))
    await admin.deleteTopicRecords({ topic: asked.topic, partitions: [{ partition: 0, offset: '3' }] })
    const low = Number((await admin.fetchTopicOffsets(asked.topic))[0].low)
    told['deleted before'] = [low, low] // it does not tell the low watermark that it was answered

    await admin.deleteTopics({ topics: [name] })
    await eventually('it is gone', async () => !(await listed()))
    told['deleted again'] = await refused(admin.deleteTopics({ topics: [name] }))
    told.nodes = (await admin.describeCluster()).brokers.length
    return told
  })
}

module.exports = { offsets, topics }
