// The scenarios of test_foreign_clients.py, with kafkajs.
//
// A line of input is a scenario: its name, where the broker is, and a topic of its own. A line of output is what
// happened, or why it failed. What should have happened is known to the test alone.
'use strict'

const readline = require('node:readline')
const { code } = require('./client')
const produce = require('./produce')
const groups = require('./groups')
const admin = require('./admin')

const scenarios = { ...produce, ...groups, ...admin }

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line)
    let answer
    try {
      answer = { told: await scenarios[asked.scenario](asked) }
    } catch (error) {
      answer = { failed: `${error.stack} (code ${code(error)})` }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
  process.exit(0)
}

main()
