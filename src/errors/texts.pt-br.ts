import { errorTexts } from './texts.ts'

/** What people read of each error, in Brazilian Portuguese: what happened, then what to do next. */
export const ptBr = errorTexts({
  // Sign-in with a password, a passkey or an email message
  invalid_credentials: { title: 'Login não efetuado', detail: 'Email ou senha incorretos' },
  password_rejected: {
    title: 'Senha não aceita',
    detail:
      'A senha não atende às regras. Escolha outra, de {least} a {most} caracteres, que não seja comum nem se limite ao seu nome, ao seu e-mail ou ao nome do serviço.',
  },
  email_required: {
    title: 'E-mail necessário',
    detail: 'A sua conta não tem e-mail, e uma senha precisa de um. Adicione primeiro um e-mail.',
  },
  second_factor_required: {
    title: 'Segundo fator necessário',
    detail: 'Esta conta exige um segundo fator. Envie-o com o tíquete desta resposta.',
  },
  second_factor_invalid: {
    title: 'Segundo fator não aceito',
    detail: 'Este código ou chave de acesso está incorreto, já foi usado ou expirou. Tente de novo com outro.',
  },
  second_factor_exists: {
    title: 'Segundo fator já configurado',
    detail: 'A sua conta já tem um segundo fator deste tipo. Remova-o primeiro para configurar outro.',
  },
  second_factor_missing: {
    title: 'Falta um segundo fator',
    detail: 'A conta não tem um segundo fator para esta ação. Configure um primeiro.',
  },
  passkey_rejected: {
    title: 'Chave de acesso não aceita',
    detail:
      'Esta chave de acesso não está registrada aqui, ou a resposta dela é inválida. Tente de novo ou entre de outra forma.',
  },
  passkey_not_added: {
    title: 'Chave de acesso não adicionada',
    detail:
      'Não foi possível adicionar esta chave de acesso: ela já está registrada aqui, a resposta é inválida ou a sua conta já tem 50 chaves. Tente com outra ou remova uma antes.',
  },
  passkey_origins_not_configured: {
    title: 'Nenhum aplicativo configurado',
    detail:
      'Nenhum aplicativo ou site deste tipo está configurado para chaves de acesso. Quem opera este serviço pode incluir aplicativos e sites em PASSKEY_ORIGINS.',
  },
  passkey_not_found: {
    title: 'Chave de acesso não encontrada',
    detail: 'A sua conta não tem essa chave de acesso. Recarregue a página para ver as chaves dela.',
  },
  ticket_invalid: {
    title: 'Link inválido',
    detail: 'Este link ou código já foi usado, expirou ou não foi emitido aqui. Peça um novo.',
  },
  mail_not_configured: {
    title: 'E-mail não disponível',
    detail:
      'Este serviço não envia e-mails, por isso esta opção não está disponível. Entre de outra forma ou avise quem opera o serviço.',
  },
  email_unverified: {
    title: 'E-mail não verificado',
    detail: 'Verifique primeiro o seu e-mail: abra o link que enviamos para ele ou peça um novo.',
  },
  sign_in_overtaken: {
    title: 'Entre novamente',
    detail: 'A sua senha, chave de acesso ou link foi alterado ou usado enquanto você entrava. Comece de novo.',
  },
  too_many_attempts: {
    title: 'Tentativas demais',
    detail: 'Houve tentativas erradas demais. Aguarde {seconds} segundos e tente de novo, ou entre de outra forma.',
  },
  insufficient_scope: {
    title: 'Sem permissão',
    detail: 'Esta ação exige a permissão {scope}, que você não tem. Peça-a a quem administra o serviço.',
  },
  invalid_client: {
    title: 'Falha na autenticação do cliente',
    detail:
      'A requisição precisa do ID e do segredo de uma credencial de serviço ou de um aplicativo. Confira ambos: podem ter sido revogados, trocados ou excluídos.',
  },

  // Administration
  account_not_found: {
    title: 'Conta não encontrada',
    detail: 'Nenhuma conta tem este ID. Talvez a conta tenha sido excluída. Confira o ID.',
  },
  last_administrator: {
    title: 'Última conta administradora',
    detail: 'Esta é a única conta administradora ativa. Dê antes esse papel a outra pessoa.',
  },
  own_role: {
    title: 'Você não pode alterar o próprio papel',
    detail: 'Quem administra o serviço não altera o próprio papel. Peça a outro(a) administrador(a) que altere o seu.',
  },
  own_second_factor: {
    title: 'Você não pode remover o próprio segundo fator aqui',
    detail:
      'Esta função não serve para a própria conta. Remova o segundo fator na página da sua conta ou peça a outro(a) administrador(a).',
  },
  address_needed: {
    title: 'Sem e-mail verificado',
    detail:
      'Esta ação precisa de uma conta ativa com e-mail verificado. Verifique o e-mail ou reative a conta primeiro.',
  },
  email_taken: {
    title: 'E-mail já usado',
    detail: 'Já existe uma conta com este e-mail. Encontre-a na lista de contas e altere-a por lá.',
  },
  not_invited: {
    title: 'Nenhum convite em aberto',
    detail: 'Esta conta não tem convite em aberto: a pessoa já aceitou o convite, ou a conta está desativada.',
  },
  service_credential_not_found: {
    title: 'Credencial de serviço não encontrada',
    detail: 'Nenhuma credencial de serviço ativa tem este ID. Talvez ela tenha sido revogada. Recarregue a lista.',
  },
  provider_not_editable: {
    title: 'Provedor não editável',
    detail: 'Este provedor vem do ambiente do serviço. Altere a configuração lá e reinicie o serviço.',
  },
  provider_exists: {
    title: 'ID de provedor já em uso',
    detail: 'Já existe um provedor com este ID. Escolha outro ID ou altere o provedor existente.',
  },
  provider_changed: {
    title: 'Provedor alterado nesse meio-tempo',
    detail: 'Outra pessoa alterou este provedor desde que você o leu. Recarregue o provedor e refaça a alteração.',
  },
  provider_secret_required: {
    title: 'Client secret obrigatório',
    detail:
      'Esta alteração envia o client secret a outro endereço. Informe o client secret de novo junto com a alteração.',
  },
  provider_not_tried: {
    title: 'Rascunho ainda não testado',
    detail: 'Ninguém entrou ainda com este rascunho. Teste o rascunho primeiro e depois coloque-o em uso.',
  },
  provider_discovery_failed: {
    title: 'Endpoints do provedor não encontrados',
    detail:
      'Não foi possível usar o documento de descoberta do provedor, por isso o rascunho continua rascunho. Confira o issuer e tente de novo.',
  },
  provider_version_not_found: {
    title: 'Versão não encontrada',
    detail: 'Este provedor não tem essa versão. Recarregue o histórico do provedor e escolha outra versão.',
  },
  provider_trial_not_found: {
    title: 'Nenhum resultado de teste',
    detail: 'Você não testou este rascunho, ou o resultado expirou. Teste o rascunho de novo.',
  },
  too_many_providers: {
    title: 'Limite de provedores atingido',
    detail:
      'Este serviço já tem 100 provedores e não pode ter mais. Exclua um que não seja mais usado e tente de novo.',
  },

  // Applications that sign people in
  application_not_found: {
    title: 'Aplicativo não encontrado',
    detail: 'Nenhum aplicativo tem este ID. Talvez ele tenha sido excluído. Recarregue a lista.',
  },
  application_has_no_secret: {
    title: 'O aplicativo não tem segredo',
    detail:
      'Este tipo de aplicativo não consegue guardar um segredo e por isso não tem nenhum. Só aplicativos de servidor têm.',
  },
  too_many_applications: {
    title: 'Limite de aplicativos atingido',
    detail:
      'Este serviço já tem 500 aplicativos e não pode ter mais. Exclua um que não seja mais usado e tente de novo.',
  },
  registration_not_offered: {
    title: 'Registro desativado',
    detail:
      'Aplicativos não podem se registrar aqui. Peça a quem administra o serviço que registre o aplicativo ou permita o registro.',
  },
  registration_token_invalid: {
    title: 'Token de registro não aceito',
    detail:
      'O token falta, está errado, expirou ou já foi usado. Peça um token de acesso inicial a quem administra o serviço. Para gerenciar um registro, envie o registration_access_token da resposta dele.',
  },
  redirect_uri_invalid: {
    title: 'URI de redirecionamento não aceita',
    detail:
      'Uma URI de redirecionamento não pode ser registrada. Use https sem curinga e sem fragmento, um endereço de loopback ou, em um aplicativo nativo, um esquema privado com domínio.',
  },
  client_metadata_invalid: {
    title: 'Metadados do aplicativo não aceitos',
    detail: 'A descrição do aplicativo tem um membro que não pode ser aceito. Corrija-o e registre de novo.',
  },
  registration_token_not_found: {
    title: 'Token de acesso inicial não encontrado',
    detail: 'Nenhum token de acesso inicial tem este ID. Talvez ele tenha sido revogado. Recarregue a lista.',
  },
  too_many_registration_tokens: {
    title: 'Limite de tokens de acesso inicial atingido',
    detail: 'Já existem 100 tokens de acesso inicial. Revogue um que não seja mais necessário e tente de novo.',
  },
  application_not_allowed: {
    title: 'Não permitido a aplicativos',
    detail: 'Aplicativos não podem fazer isto por você. Entre você mesmo neste serviço.',
  },
  authorization_request_invalid: {
    title: 'Pedido do aplicativo inválido',
    detail:
      'O aplicativo enviou um pedido que não podemos aceitar ({error}). Volte ao aplicativo e tente de novo, ou avise quem o opera.',
  },
  authorization_request_expired: {
    title: 'Pedido do aplicativo expirado',
    detail: 'O pedido do aplicativo expirou ou já foi respondido. Volte ao aplicativo e entre de novo.',
  },
  grant_invalid: {
    title: 'Código ou token inválido',
    detail:
      'O código ou o token de renovação é inválido, expirou, foi revogado ou pertence a outro aplicativo. Entre de novo.',
  },
  client_not_allowed: {
    title: 'Tipo de concessão não permitido a este aplicativo',
    detail: 'Este tipo de aplicativo não pode obter tokens desta forma. Registre um aplicativo do tipo certo.',
  },
  device_pending: {
    title: 'Login ainda não concluído',
    detail: 'A pessoa ainda não digitou o código. Tente de novo após o intervalo.',
  },
  device_too_soon: {
    title: 'Pergunta cedo demais',
    detail: 'O dispositivo pergunta com frequência demais. Espere cinco segundos a mais entre os pedidos.',
  },
  device_refused: {
    title: 'Login recusado',
    detail: 'A pessoa recusou o login do dispositivo. Comece de novo só se a pessoa quiser.',
  },
  device_code_expired: {
    title: 'Código do dispositivo expirado',
    detail: 'O código não foi digitado a tempo. Obtenha um código novo e mostre-o.',
  },
  dpop_proof_invalid: {
    title: 'Prova DPoP inválida',
    detail:
      'A prova DPoP está ausente, expirou, já foi usada ou é de outro pedido ou de outra chave. Assine uma prova nova a cada pedido.',
  },
  dpop_proof_required: {
    title: 'Prova da chave necessária',
    detail:
      'O token de acesso está vinculado a uma chave. Envie o token com o esquema DPoP e uma prova nova, assinada com a mesma chave.',
  },
  dpop_nonce_invalid: {
    title: 'Nonce da prova DPoP ausente ou antigo',
    detail: 'Assine a prova de novo com o nonce do cabeçalho DPoP-Nonce e repita o pedido.',
  },
  dpop_nonce_required: {
    title: 'Prova DPoP com nonce necessária',
    detail: 'Assine a prova de novo com o nonce do cabeçalho DPoP-Nonce e repita o pedido com o token.',
  },
  request_object_invalid: {
    title: 'Pedido assinado inválido',
    detail:
      'Não foi possível verificar o pedido assinado. Assine com uma chave registrada, com o ID do aplicativo como emissor e este serviço como destinatário.',
  },
  scope_invalid: {
    title: 'Escopo não permitido',
    detail: 'O aplicativo pediu um escopo que não pode ter. Peça só os escopos registrados e concedidos.',
  },
  resource_invalid: {
    title: 'Recurso não permitido',
    detail: 'O aplicativo pediu um token para um recurso que não pode usar. Indique exatamente um recurso registrado.',
  },
  response_type_unsupported: {
    title: 'Tipo de resposta não oferecido',
    detail:
      'O aplicativo pediu um tipo de resposta que este serviço não oferece. Configure a biblioteca para o fluxo de código de autorização.',
  },

  // Sign-in with a provider
  provider_not_found: {
    title: 'Provedor desconhecido',
    detail: 'Não há aqui nenhum provedor de login chamado “{provider}”. Escolha um dos provedores na página de login.',
  },
  provider_unavailable: {
    title: 'Provedor indisponível',
    detail:
      '{provider} não está respondendo agora. Aguarde um momento e tente de novo; para entrar, você pode usar outra forma.',
  },
  access_denied: {
    title: 'Recusado no provedor',
    detail:
      'Você não deu a autorização em {provider}; nada foi alterado. Tente de novo; para entrar, você pode usar outra forma.',
  },
  invalid_state: {
    title: 'Login não reconhecido',
    detail: 'Este login não foi iniciado aqui, ou foi iniciado há muito tempo. Comece de novo pela página de login.',
  },
  state_expired: {
    title: 'O login demorou demais',
    detail: 'Este login expirou. Comece de novo pela página de login.',
  },
  state_already_used: {
    title: 'Login já utilizado',
    detail: 'Este login já foi concluído ou abandonado. Comece de novo pela página de login.',
  },
  flow_mismatch: {
    title: 'O login não confere',
    detail:
      'Este login foi iniciado em outro navegador, para outra conta ou com outra finalidade. Comece de novo aqui.',
  },
  token_exchange_failed: {
    title: 'O provedor recusou o login',
    detail: '{provider} não aceitou o login. Comece de novo; se o problema continuar, avise quem opera este serviço.',
  },
  user_info_fetch_failed: {
    title: 'Perfil indisponível',
    detail:
      '{provider} não informou o seu perfil. Tente de novo; se o problema continuar, avise quem opera este serviço.',
  },
  app_sign_in_not_configured: {
    title: 'Nenhum aplicativo configurado',
    detail: 'Aqui não é possível entrar com {provider} por um aplicativo. Use um navegador ou entre de outra forma.',
  },
  id_token_rejected: {
    title: 'ID token recusado',
    detail:
      'O aplicativo enviou um ID token de {provider} que não é válido aqui. Comece de novo; se o problema continuar, avise quem desenvolve o aplicativo.',
  },
  id_token_already_used: {
    title: 'ID token já utilizado',
    detail: 'Este ID token já foi usado para entrar. Comece de novo para obter outro.',
  },
  account_linking_failed: {
    title: 'Login não vinculado',
    detail: 'A conta mudou nesse meio-tempo, por isso o login não foi vinculado. Tente de novo.',
  },
  identity_already_linked: {
    title: 'Já vinculado a outra conta',
    detail:
      'A sua conta de {provider} já está vinculada a outra conta daqui. Entre com {provider} e desvincule-a lá primeiro.',
  },
  another_identity: {
    title: 'Outra conta no provedor',
    detail:
      'Você voltou com uma conta de {provider} diferente. Nada foi alterado. Comece de novo e escolha a mesma conta em {provider}.',
  },
  account_conflict: {
    title: 'Já existe uma conta com este e-mail',
    detail:
      'Outra conta tem este e-mail. Comprove que ela é sua para vincular {provider}, ou continue com uma conta separada.',
  },
  conflict_not_found: {
    title: 'Pergunta encerrada',
    detail:
      'Esta pergunta já foi respondida, expirou ou foi feita em outro navegador. Se você seguiu um link de um e-mail, abra-o no navegador em que começou. Caso contrário, entre de novo.',
  },
  proof_required: {
    title: 'Comprove primeiro que a conta é sua',
    detail:
      'Ainda não está comprovado que a conta existente é sua. Entre nela de uma das formas que ela já tem e depois faça a vinculação.',
  },
  user_creation_disabled: {
    title: 'Cadastro fechado',
    detail: 'No momento não é possível criar contas aqui. Peça acesso a quem administra este serviço.',
  },
  sign_in_restricted: {
    title: 'Conta não permitida aqui',
    detail:
      'Este serviço aceita apenas algumas contas de {provider}: as das organizações ou dos domínios de e-mail definidos. Use outra conta de {provider} ou peça acesso a quem administra o serviço.',
  },
  organization_access_needed: {
    title: 'Organização não confirmada',
    detail:
      '{provider} não confirmou que você pertence a uma organização que pode entrar aqui. Comece de novo e autorize o acesso à sua organização ou peça a quem a administra que aprove este serviço.',
  },
  user_disabled: {
    title: 'Conta desativada',
    detail: 'Esta conta está desativada. Peça a quem administra este serviço que a reative.',
  },
  too_many_identities: {
    title: 'Limite de logins vinculados atingido',
    detail:
      'Sua conta já tem 20 logins vinculados e não pode ter mais. Desvincule um que você não usa mais e tente de novo.',
  },
  too_many_service_credentials: {
    title: 'Limite de credenciais de serviço atingido',
    detail:
      'Este serviço já tem 500 credenciais de serviço e não pode ter mais. Revogue uma que não seja mais usada e tente de novo.',
  },
  return_to_not_allowed: {
    title: 'URL de retorno não permitida',
    detail:
      'A URL de retorno não está na lista das permitidas. Peça a correção ao aplicativo que trouxe você até aqui.',
  },
  redirect_uri_key_not_found: {
    title: 'URI de redirecionamento desconhecida',
    detail:
      'Não há URI de redirecionamento registrada com a chave “{key}” para este provedor. Use uma das chaves registradas.',
  },

  // Tokens of this service
  token_expired: { title: 'Token expirado', detail: 'Token expirado' },
  token_invalid: { title: 'Token inválido', detail: 'Token inválido ou malformado' },
  token_wrong_type: { title: 'Tipo de token errado', detail: 'Token inválido: esperado tipo {type}' },
  token_subject_missing: { title: 'Token sem subject', detail: 'Token inválido: subject não encontrado' },
  user_not_found: { title: 'Conta inexistente', detail: 'Usuário não encontrado' },
  session_revoked: { title: 'Sessão encerrada', detail: 'Este dispositivo foi desconectado. Entre de novo.' },
  session_expired: { title: 'Sessão expirada', detail: 'Esta sessão expirou. Entre de novo.' },
  token_reused: {
    title: 'Token usado duas vezes',
    detail: 'Este token de renovação já foi usado; por segurança, este dispositivo foi desconectado. Entre de novo.',
  },
  code_invalid: {
    title: 'Código não aceito',
    detail: 'Este código de login é desconhecido, expirou ou já foi usado. Comece o login de novo.',
  },
  grant_type_unsupported: {
    title: 'Tipo de concessão não aceito',
    detail: 'Este tipo de concessão não é aceito aqui. Use password, authorization_code ou refresh_token.',
  },

  // Account and permissions
  authentication_required: { title: 'Entre primeiro', detail: 'É preciso entrar na conta. Entre e tente de novo.' },
  reauthentication_required: {
    title: 'Entre de novo para continuar',
    detail: 'Por segurança, é preciso um login recente. Entre de novo e repita a ação.',
  },
  csrf_failed: {
    title: 'Formulário desatualizado',
    detail: 'Este formulário não veio deste serviço ou está desatualizado. Recarregue a página e tente de novo.',
  },
  not_linked: {
    title: 'Forma de entrar não encontrada',
    detail: 'A sua conta não tem essa forma de entrar. Recarregue a página para ver as formas de entrar dela.',
  },
  last_login_method: {
    title: 'Última forma de entrar',
    detail: 'Esta é a única forma de entrar que resta na sua conta. Adicione outra primeiro.',
  },
  session_not_found: {
    title: 'Dispositivo não encontrado',
    detail: 'A sua conta não tem esse dispositivo. Talvez ele já tenha sido desconectado. Recarregue a lista.',
  },
  needs_reauthorization: {
    title: 'A permissão precisa ser renovada',
    detail:
      '{provider} não aceita mais a nossa permissão. Para renová-la, entre com {provider} de novo ou conecte a equipe de novo.',
  },
  not_connected: {
    title: 'Não conectado',
    detail: '{provider} não está conectado. Peça à pessoa ou à equipe que faça a conexão primeiro.',
  },
  scopes_not_offered: {
    title: 'Permissões não oferecidas',
    detail: 'Estas permissões não são oferecidas aqui. Escolha entre as que a página da forma de entrar mostra.',
  },

  // Teams and Jira
  team_not_found: {
    title: 'Equipe não encontrada',
    detail: 'Essa equipe não existe, ou você não faz parte dela. Peça um convite a quem a possui.',
  },
  team_role_required: {
    title: 'O seu papel não permite esta ação',
    detail: 'O seu papel na equipe não inclui esta ação. Peça a quem possui ou administra a equipe.',
  },
  member_not_found: {
    title: 'Membro não encontrado',
    detail: 'A equipe não tem esse membro. Recarregue a página para ver quem faz parte dela.',
  },
  last_owner: {
    title: 'Última pessoa proprietária',
    detail: 'Uma equipe precisa de alguém que a possua. Passe o papel a outra pessoa primeiro ou exclua a equipe.',
  },
  already_member: {
    title: 'Já está na equipe',
    detail: 'Esta pessoa já está na equipe. Não é preciso fazer mais nada.',
  },
  invitation_not_found: {
    title: 'Convite inválido',
    detail: 'O convite foi usado ou retirado, ou expirou. Peça outro à equipe.',
  },
  team_limit_reached: {
    title: 'Limite atingido',
    detail:
      'Não é possível adicionar mais equipes, membros ou convites. Remova antes algo que não seja mais necessário.',
  },
  jira_not_available: {
    title: 'Jira não disponível',
    detail:
      'A Atlassian não está configurada neste serviço, por isso nenhuma equipe pode conectar o Jira. Fale com quem opera o serviço.',
  },
  jira_not_connected: {
    title: 'Jira não conectado',
    detail: 'A equipe não está conectada ao Jira. Quem a possui ou administra pode conectá-la.',
  },
  jira_not_active: {
    title: 'Sem conexão ativa com o Jira',
    detail:
      'A equipe não tem uma conexão com o Jira que funcione. Quem a possui ou administra pode conectá-la ou escolher os sites na página de integrações.',
  },
  jira_site_not_found: {
    title: 'Site fora de alcance',
    detail: 'A conexão não alcança um destes sites. Recarregue a lista e escolha de novo.',
  },
  jira_scope_missing: {
    title: 'Falta uma permissão no Jira',
    detail:
      'Falta à conexão uma permissão: {scopes}. Quem possui ou administra a equipe pode conectar o Jira de novo e concedê-la.',
  },
  jira_forbidden: {
    title: 'Recusado pelo Jira',
    detail:
      'Quem conectou a equipe não pode ver estas centrais de serviço: o Jira exige licença de agente. Peça a um(a) agente que a conecte.',
  },
  provider_rate_limited: {
    title: 'Requisições demais ao provedor',
    detail: '{provider} recebeu requisições demais deste serviço. Aguarde {seconds} segundos e tente de novo.',
  },

  // Requests
  invalid_request: {
    title: 'Requisição inválida',
    detail: 'A requisição não é válida. Corrija os campos listados em errors, se houver, e envie-a de novo.',
  },
  malformed_body: {
    title: 'Corpo ilegível',
    detail: 'Não foi possível ler o corpo da requisição. Envie JSON ou dados de formulário bem formados.',
  },
  payload_too_large: {
    title: 'Requisição grande demais',
    detail: 'O corpo da requisição passa de 64 KiB, ou a imagem passa de 100 KiB. Envie um corpo menor.',
  },
  headers_too_large: {
    title: 'Cabeçalhos da requisição grandes demais',
    detail:
      'Os cabeçalhos da requisição, com os cookies e a URL, passam de 16 KiB, ou são mais de 100. No navegador, exclua os cookies deste site e tente de novo.',
  },
  request_timeout: {
    title: 'Requisição incompleta',
    detail: 'A requisição não chegou completa a tempo. Envie-a de novo.',
  },
  unsupported_media_type: {
    title: 'Tipo de conteúdo não aceito',
    detail: 'Este tipo de conteúdo não é aceito aqui. Use {accepted}.',
  },
  not_found: { title: 'Não encontrado', detail: 'Não há nada nesta URL. Confira se ela foi digitada corretamente.' },
  method_not_allowed: {
    title: 'Método não permitido',
    detail: 'Esta URL não aceita o método da requisição. Use {allowed}.',
  },
  rate_limited: {
    title: 'Requisições demais',
    detail: 'Recebemos requisições demais da sua rede. Aguarde {seconds} segundos e tente de novo.',
  },
  not_ready: {
    title: 'Serviço indisponível',
    detail: 'O serviço não pode atender no momento. Tente de novo em instantes.',
  },
  internal: {
    title: 'Erro interno',
    detail:
      'O serviço não conseguiu processar a requisição. Tente de novo; se o problema continuar, informe o ID da requisição a quem opera o serviço.',
  },
})
