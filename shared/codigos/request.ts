/** What is wrong with a request before its content is looked at: its bytes, its address, its token. */
export const OF_REQUESTS = {
  'requisicao-malformada': {
    status: 400,
    titulo: 'Requisição inválida',
    significa: 'O que chegou não é HTTP válido, ou não pôde ser lido.',
    remedy: 'Confira como o programa monta a requisição: a primeira linha, o Host e os cabeçalhos.',
  },
  'requisicao-interrompida': {
    status: 400,
    titulo: 'Requisição interrompida',
    significa: 'A conexão acabou antes do fim do corpo.',
    remedy: 'Envie de novo, com a mesma Idempotency-Key. De um arquivo, o que já chegou fica, e não entra em dobro.',
  },
  'endereco-invalido': {
    status: 400,
    titulo: 'Endereço inválido',
    significa: 'O caminho ou a consulta tem caracteres de controle ou um % que não é UTF-8.',
    remedy: 'Codifique cada parte do endereço, como encodeURIComponent faz.',
  },
  'cabecalho-invalido': {
    status: 400,
    titulo: 'Cabeçalho inválido',
    significa:
      'Um cabeçalho que decide a resposta (Idempotency-Key, Fluxo-Posicao, Prefer, Last-Event-ID) não pôde ser lido.',
    remedy: 'O texto de detail diz qual, e como deve ser. Devolva Fluxo-Posicao e Last-Event-ID como vieram.',
  },
  'cursor-invalido': {
    status: 400,
    titulo: 'Cursor inválido',
    significa: 'O cursor não é de uma página desta lista, com estes filtros e deste comerciante.',
    remedy: 'Use o proximo da página anterior como veio, com os mesmos filtros; ou comece pela primeira página.',
  },
  'json-invalido': {
    status: 400,
    titulo: 'JSON inválido',
    significa: 'O corpo não é JSON em UTF-8.',
    remedy: 'Confira vírgulas, aspas e a codificação. Valores não levam vírgula decimal: 150.50.',
  },
  'token-ausente': {
    status: 401,
    titulo: 'Não autenticado',
    significa: 'A chamada precisa de um token, e não veio nenhum.',
    remedy: 'Envie Authorization: Bearer e o token.',
  },
  'token-invalido': {
    status: 401,
    titulo: 'Token inválido',
    significa: 'O token não foi assinado por quem este serviço aceita, não é para ele, ou não diz de quem é.',
    remedy: 'Confira se o token foi copiado inteiro; se foi, peça outro a quem os emite.',
  },
  'token-expirado': {
    status: 401,
    titulo: 'Token expirado',
    significa: 'O prazo do token (exp) passou.',
    remedy: 'Peça um token novo e repita a chamada.',
  },
  'escopo-ausente': {
    status: 403,
    titulo: 'Acesso negado',
    significa: 'O token é bom, mas não dá o direito a esta chamada.',
    remedy: 'Peça um token com o escopo que WWW-Authenticate e escopo dizem.',
  },
  'nao-encontrado': {
    status: 404,
    titulo: 'Não encontrado',
    significa: 'Não há nada neste endereço, ou nada que seja deste comerciante.',
    remedy: 'Confira o endereço e o id, e se o token é do comerciante certo.',
  },
  'metodo-nao-permitido': {
    status: 405,
    titulo: 'Método não permitido',
    significa: 'O endereço existe, mas não aceita este método.',
    remedy: 'Use um dos métodos de Allow.',
  },
  'requisicao-lenta': {
    status: 408,
    titulo: 'Tempo esgotado',
    significa: 'A requisição demorou demais para chegar inteira.',
    remedy: 'Envie de novo, com a mesma Idempotency-Key, por uma conexão melhor.',
  },
  'corpo-lento': {
    status: 408,
    titulo: 'Arquivo parado',
    significa: 'O arquivo parou de chegar, ou chega devagar demais. O que já chegou foi registrado.',
    remedy: 'Envie o mesmo arquivo de novo: o que já entrou não entra em dobro.',
  },
  'corpo-grande-demais': {
    status: 413,
    titulo: 'Conteúdo grande demais',
    significa: 'O corpo passa do tamanho que esta chamada aceita.',
    remedy: 'Divida o lote, ou envie um arquivo CSV, que pode ter qualquer tamanho.',
  },
  'endereco-longo-demais': {
    status: 414,
    titulo: 'Endereço longo demais',
    significa: 'O endereço passa do tamanho que se aceita.',
    remedy: 'Tire parâmetros que não são desta chamada.',
  },
  'midia-nao-suportada': {
    status: 415,
    titulo: 'Tipo de conteúdo não suportado',
    significa: 'O Content-Type, ou a codificação que ele diz, não é aceito aqui.',
    remedy: 'Envie um dos tipos que a documentação da chamada lista, em UTF-8.',
  },
  'requisicoes-demais': {
    status: 429,
    titulo: 'Requisições demais',
    significa: 'O comerciante, o endereço ou a página pediu mais do que pode por segundo.',
    remedy: 'Espere os segundos de Retry-After. Muitos lançamentos de uma vez: um lote ou um arquivo.',
  },
  'cabecalhos-grandes-demais': {
    status: 431,
    titulo: 'Cabeçalhos grandes demais',
    significa: 'Os cabeçalhos juntos passam do tamanho que se aceita.',
    remedy: 'Tire cabeçalhos que não são desta chamada; confira o tamanho do token.',
  },
} as const
