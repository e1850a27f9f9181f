import { testCompose } from '../tests/compose/main.ts'

process.exit(await testCompose())
