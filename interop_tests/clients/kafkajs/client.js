// What all scenarios need.
'use strict'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require('kafkajs')
const snappy = require('kafkajs-snappy')
const lz4 = require('lz4-napi')
const zstd = require('@bokuweb/zstd-wasm')

const codec = (compress, decompress) => () => ({
  compress: async ({ buffer }) => Buffer.from(await compress(buffer)),
  decompress: async (buffer) => Buffer.from(await decompress(buffer)),
})

const isReady = zstd.init()
CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = codec(lz4.compressFrame, lz4.decompressFrame)
CompressionCodecs[CompressionTypes.ZSTD] = codec(
  (buffer) => isReady.then(() => zstd.compress(buffer, 3)),
  (buffer) => isReady.then(() => zstd.decompress(buffer))
)

const PATIENCE_MS = 30_000

function kafka(asked) {
  return new Kafka({
    brokers: [asked.broker],
    logLevel: logLevel.ERROR,
    logCreator: () => ({ log }) => process.stderr.write(JSON.stringify(log) + '\n'),
    retry: { initialRetryTime: 50 },
  })
}

// using connects, does, and disconnects, whatever happens.
async function using(client, action) {
  await client.connect()
  try {
    return await action(client)
  } finally {
    await client.disconnect()
  }
}

async function eventually(what, condition) {
  for (const deadline = Date.now() + PATIENCE_MS; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

let readers = 0

// fromTheStart reads so many records of the topic, partition by partition; kafkajs reads in groups alone.
async function fromTheStart(asked, count, options = {}) {
  const read = []
  const groupId = `${asked.topic}-reader-${readers++}`
  await using(kafka(asked).consumer({ groupId, maxWaitTimeInMs: 100, ...options }), async (consumer) => {
    await consumer.subscribe({ topics: [asked.topic], fromBeginning: true })
    await consumer.run({ eachMessage: async ({ partition, message }) => read.push({ partition, ...message }) })
    await eventually('records to read', () => read.length >= count)
  })
  return read.sort((one, two) => one.partition - two.partition || Number(one.offset) - Number(two.offset))
}

const values = (records) => records.map((record) => record.value.toString())

// code is Kafka's number of the error; 0 without one.
function code(error) {
  if (!error) return 0
  if (typeof error.code === 'number') return error.code
  return code(error.cause || error.originalError || (error.errors && error.errors[0]))
}

// refused is the code of the error that the promise ends in.
const refused = (promise) => promise.then(() => 0, code)

module.exports = { CompressionTypes, code, eventually, fromTheStart, kafka, refused, using, values }
