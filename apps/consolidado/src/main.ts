import { runService } from '@fluxo/shared/process/run-service'
import { consolidado } from './app.ts'

await runService(consolidado, process.env)
