/** What is ours: nothing of the request is wrong, and it may be sent again. */
export const OF_SERVICE = {
  'erro-interno': {
    status: 500,
    titulo: 'Erro interno',
    significa: 'Há um defeito nosso. Ele foi anotado com o X-Request-Id da resposta.',
    remedy: 'Avise quem opera o serviço, com o X-Request-Id. Se repetir, use a mesma Idempotency-Key.',
  },
  'banco-indisponivel': {
    status: 503,
    titulo: 'Banco de dados indisponível',
    significa: 'O banco de dados não respondeu. Não se sabe se uma escrita foi registrada.',
    remedy: 'Repita depois de Retry-After, com a mesma Idempotency-Key: nada entra em dobro.',
  },
  'chaves-indisponiveis': {
    status: 503,
    titulo: 'Chaves indisponíveis',
    significa: 'O servidor das chaves que conferem os tokens não respondeu.',
    remedy: 'Repita depois de Retry-After. O token pode estar certo.',
  },
  'consolidado-indisponivel': {
    status: 503,
    titulo: 'Consolidado indisponível',
    significa: 'O saldo não pôde ser lido agora, nem do cache.',
    remedy: 'Repita depois de Retry-After. Os lançamentos continuam a ser registrados.',
  },
  'dependencia-indisponivel': {
    status: 503,
    titulo: 'Serviço indisponível',
    significa: 'Algo de que a resposta precisa está fora, ou cheio.',
    remedy: 'Repita depois de Retry-After.',
  },
  'fila-cheia': {
    status: 503,
    titulo: 'Fila cheia',
    significa: 'Há escritas demais à espera. Esta não foi registrada.',
    remedy: 'Repita depois de Retry-After. Muitas de uma vez: um lote ou um arquivo.',
  },
  'corpos-demais': {
    status: 503,
    titulo: 'Corpos demais a caminho',
    significa:
      'O comerciante, ou todos juntos, estão enviando mais de uma vez do que cabe na memória. Nada foi registrado.',
    remedy: 'Espere que os outros envios terminem, e envie de novo. De uma vez cabem dois dos maiores lotes.',
  },
  'arquivos-demais': {
    status: 503,
    titulo: 'Arquivos demais',
    significa: 'O comerciante, ou todos juntos, já recebem tantos arquivos quantos uma instância escreve de uma vez.',
    remedy: 'Espere que um termine, e peça de novo depois de Retry-After.',
  },
  'importacoes-demais': {
    status: 503,
    titulo: 'Importações demais',
    significa: 'Há importações demais em curso, ou já duas deste comerciante. Nada deste arquivo foi lido.',
    remedy: 'Repita depois de Retry-After.',
  },
  iniciando: {
    status: 503,
    titulo: 'Serviço iniciando',
    significa: 'O serviço acabou de começar e ainda não atende.',
    remedy: 'Repita depois de Retry-After.',
  },
  indisponivel: {
    status: 503,
    titulo: 'Serviço indisponível',
    significa: 'Nenhuma instância do serviço respondeu. Não se sabe se uma escrita foi registrada.',
    remedy: 'Repita depois de Retry-After, com a mesma Idempotency-Key: nada entra em dobro.',
  },
  'pedido-ocupado': {
    status: 503,
    titulo: 'Pedido em mudança',
    significa: 'Outros mudam este pedido ao mesmo tempo, várias vezes seguidas.',
    remedy: 'Repita depois de Retry-After, com a mesma Idempotency-Key.',
  },
  'posicao-pendente': {
    status: 503,
    titulo: 'Posição pendente',
    significa: 'O consolidado ainda não chegou à posição de Fluxo-Posicao.',
    remedy:
      'Repita depois de Retry-After, ou espere mais, até 10 segundos: Prefer: wait=10. Sem o cabeçalho, a resposta vem na hora.',
  },
  'streams-demais': {
    status: 503,
    titulo: 'Streams demais',
    significa: 'Há streams demais abertos aqui, deste pedido, deste comerciante ou de todos.',
    remedy: 'Feche os que não usa e repita depois de Retry-After; siga de Last-Event-ID.',
  },
} as const
