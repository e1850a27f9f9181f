import { runService } from '@fluxo/shared/process/run-service'
import { avisos } from './app.ts'

await runService(avisos, process.env)
