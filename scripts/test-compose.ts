import { testCompose } from '../e2e/compose/main.ts'

process.exit(await testCompose())
