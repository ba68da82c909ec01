'use strict'

const { CompressionTypes, fromTheStart, kafka, refused, using, values } = require('./client')

async function codecs(asked) {
  const { None, GZIP, Snappy, LZ4, ZSTD } = CompressionTypes
  const names = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  const types = [None, GZIP, Snappy, LZ4, ZSTD]
  await using(kafka(asked).producer(), async (producer) => {
    for (const [index, name] of names.entries()) {
      const messages = [...Array(10).keys()].map((number) => ({ value: `${name}-${number}-${'x'.repeat(200)}` }))
      await producer.send({ topic: asked.topic, compression: types[index], messages })
    }
  })
  return { read: values(await fromTheStart(asked, 50)) }
}

async function keys(asked) {
  const sent = await using(kafka(asked).producer(), async (producer) => {
    const places = []
    for (let number = 0; number < 50; number++) {
      const key = `key-${number}`
      const [stored] = await producer.send({ topic: asked.topic, messages: [{ key, value: 'v' }] })
      places.push([key, stored.partition, Number(stored.baseOffset)])
    }
    return places
  })
  const read = (await fromTheStart(asked, 50)).map((each) => [
    each.key.toString(), each.partition, Number(each.offset),
  ])
  return { sent, read }
}

async function records(asked) {
  const messages = [
    { key: null, value: 'plain', timestamp: '1000' },
    { key: 'k', value: null, timestamp: '2000' },
    { key: '', value: '', timestamp: '3000' },
    { key: 'h', value: 'v', timestamp: '4000', headers: { a: ['1', '2'], empty: '', ü: 'ß' } },
  ].map((each) => ({ partition: 0, ...each }))
  await using(kafka(asked).producer(), (producer) => producer.send({ topic: asked.topic, messages }))
  const text = (data) => (data === null ? null : data.toString())
  const read = (await fromTheStart(asked, 4)).map((each) => ({
    offset: Number(each.offset),
    key: text(each.key),
    value: text(each.value),
    headers: Object.entries(each.headers).flatMap(([key, value]) => [value].flat().map((one) => [key, text(one)])),
    timestamp: Number(each.timestamp),
  }))
  return { read }
}

async function acks(asked) {
  await using(kafka(asked).producer(), async (producer) => {
    for (const [name, level] of [['0', 0], ['1', 1], ['all', -1]])
      await producer.send({ topic: asked.topic, acks: level, messages: [{ value: `acks ${name}` }] })
  })
  return { read: values(await fromTheStart(asked, 3)) }
}

async function idempotent(asked) {
  const offsets = []
  await using(kafka(asked).producer({ idempotent: true, maxInFlightRequests: 1 }), async (producer) => {
    for (let first = 0; first < 500; first += 10) {
      const messages = [...Array(10).keys()].map((number) => ({ value: `${first + number}` }))
      const [stored] = await producer.send({ topic: asked.topic, messages })
      messages.forEach((_, number) => offsets.push(Number(stored.baseOffset) + number))
    }
  })
  return { offsets, read: values(await fromTheStart(asked, 500)) }
}

async function tooLarge(asked) {
  return using(kafka(asked).producer(), async (producer) => {
    const send = (value) => producer.send({ topic: asked.topic, messages: [{ value }] })
    const error = await refused(send('x'.repeat(5000)))
    const [stored] = await send('small')
    return { error, 'offset after it': Number(stored.baseOffset) }
  })
}

async function transactions(asked) {
  const { topic } = asked
  const create = () => kafka(asked).producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
  const send = async (producer, ...said) => {
    const transaction = await producer.transaction()
    for (const value of said) await transaction.send({ topic, messages: [{ value }] })
    return transaction
  }
  const fenced = await using(create(), async (producer) => {
    await (await send(producer, 'c0', 'c1', 'c2')).commit()
    await (await send(producer, 'a0', 'a1')).abort()
    await (await send(producer, 'd0')).commit()
    const last = (await fromTheStart(asked, 4))[3]
    const transaction = await producer.transaction()
    const partitions = [{ partition: 0, offset: `${Number(last.offset) + 1}` }]
    await transaction.sendOffsets({ consumerGroupId: topic, topics: [{ topic, partitions }] })
    await transaction.commit()
    await using(create(), async (newer) => (await send(newer, 'n0')).commit())
    return (await refused(send(producer, 'z0'))) !== 0
  })
  const [stored] = await using(kafka(asked).admin(), (admin) =>
    admin.fetchOffsets({ groupId: topic, topics: [topic] })
  )
  return {
    committed: values(await fromTheStart(asked, 5)),
    all: values(await fromTheStart(asked, 7, { readUncommitted: true })),
    fenced,
    "group's offset": Number(stored.partitions[0].offset),
  }
}

module.exports = { codecs, keys, records, acks, idempotent, 'too large': tooLarge, transactions }
