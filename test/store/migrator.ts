import { DatabaseSync } from 'node:sqlite'
import { migrate } from '../../src/store/migrations.ts'

/**
 * A process that migrates the database of its first argument and kills itself before the statement whose number is the second one: what
 * `migrations.test.ts` starts. Prints how many statements there were when none was the last.
 */
const database = new DatabaseSync(process.argv[2] ?? '')
const last = Number(process.argv[3])
const exec = database.exec.bind(database)
let count = 0
Object.assign(database, {
  exec: (sql: string) => {
    if (count === last) process.kill(process.pid, 'SIGKILL')
    count++
    exec(sql)
  }
})
migrate(database)
database.close()
process.stdout.write(String(count))
