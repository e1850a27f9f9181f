import { runService } from '@fluxo/shared/process/run-service'
import { lancamentos } from './app.ts'

await runService(lancamentos, process.env)
