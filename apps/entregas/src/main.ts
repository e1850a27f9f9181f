import { runService } from '@fluxo/shared/process/run-service'
import { entregas } from './app.ts'

await runService(entregas, process.env)
