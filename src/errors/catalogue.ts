import type { Locale } from '../kernel/locale.ts'
import { type Err, err } from '../kernel/result.ts'

export type { Locale }

type Text = { readonly title: string; readonly detail: string }
type Entry = { readonly status: number; readonly en: Text; readonly 'pt-BR': Text }

const entry = <const S extends number, const E extends Text, const P extends Text>(status: S, en: E, pt: P) =>
  ({ status, en, 'pt-BR': pt }) as const
const say = <const T extends string, const D extends string>(title: T, detail: D) => ({ title, detail }) as const

/**
 * Everything that can go wrong, one entry each: status, then what a person reads, in both languages.
 * Codes are stable and never translated; the page under `/docs/errors/` is generated from this list.
 */
export const catalogue = {
  // Signing in, whichever way
  invalid_credentials: entry(
    401,
    say('Not signed in', 'Email or password incorrect'),
    say('Login não efetuado', 'Email ou senha incorretos'),
  ),
  password_rejected: entry(
    400,
    say(
      'Password not accepted',
      'Choose another password: {least} to {most} characters, none that many others use, and more than your name, your address or the name of this service.',
    ),
    say(
      'Senha não aceita',
      'Escolha outra senha: de {least} a {most} caracteres, que não seja comum e que vá além do seu nome, do seu e-mail ou do nome deste serviço.',
    ),
  ),
  email_required: entry(
    409,
    say('An e-mail address is needed', 'A password belongs to an e-mail address. Give your account one first.'),
    say('É preciso ter um e-mail', 'Uma senha pertence a um endereço de e-mail. Informe primeiro o da sua conta.'),
  ),
  second_factor_required: entry(
    401,
    say(
      'Second factor needed',
      'This account also asks for a second factor. Show it together with the ticket given here.',
    ),
    say(
      'Segundo fator necessário',
      'Esta conta também pede um segundo fator. Apresente-o junto com o tíquete informado aqui.',
    ),
  ),
  second_factor_invalid: entry(
    401,
    say(
      'Second factor not accepted',
      'This code or passkey is wrong, was used before or came too late. Try again with a new one.',
    ),
    say(
      'Segundo fator não aceito',
      'Este código ou chave de acesso está errado, já foi usado ou chegou tarde demais. Tente de novo com outro.',
    ),
  ),
  second_factor_exists: entry(
    409,
    say('Second factor already there', 'Your account has this already. Remove it first to set up another one.'),
    say('Segundo fator já existe', 'A sua conta já tem isto. Remova-o primeiro para configurar outro.'),
  ),
  second_factor_missing: entry(
    409,
    say(
      'No second factor for this',
      'The account has no second factor that this could be done with. One has to be set up first.',
    ),
    say(
      'Falta um segundo fator',
      'A conta não tem um segundo fator com o qual fazer isto. É preciso configurar um primeiro.',
    ),
  ),
  passkey_rejected: entry(
    401,
    say(
      'Passkey not accepted',
      'This passkey is not known here, or its answer does not fit. Try again, or use another way to sign in.',
    ),
    say(
      'Chave de acesso não aceita',
      'Esta chave de acesso não é conhecida aqui, ou a resposta dela não confere. Tente de novo ou entre de outra forma.',
    ),
  ),
  passkey_not_added: entry(
    400,
    say(
      'Passkey not added',
      'This passkey could not be added: it is known here already, or its answer does not fit. Try again with another one.',
    ),
    say(
      'Chave de acesso não adicionada',
      'Não foi possível adicionar esta chave de acesso: ela já é conhecida aqui, ou a resposta não confere. Tente com outra.',
    ),
  ),
  passkey_origins_not_configured: entry(
    404,
    say(
      'No apps configured',
      'No apps or sites of this kind are configured for passkeys. The operator of this service can add apps and sites in PASSKEY_ORIGINS.',
    ),
    say(
      'Nenhum aplicativo configurado',
      'Nenhum aplicativo ou site deste tipo está configurado para chaves de acesso. Quem opera este serviço pode incluir aplicativos e sites em PASSKEY_ORIGINS.',
    ),
  ),
  passkey_not_found: entry(
    404,
    say('No such passkey', 'There is no such passkey on your account. Reload the page to see the ones it has.'),
    say('Chave inexistente', 'A sua conta não tem essa chave de acesso. Recarregue a página para ver as que ela tem.'),
  ),
  ticket_invalid: entry(
    400,
    say('Link no longer good', 'This link or code was used before, is too old or is not ours. Ask for a new one.'),
    say('Link sem validade', 'Este link ou código já foi usado, é antigo demais ou não é nosso. Peça um novo.'),
  ),
  mail_not_configured: entry(
    404,
    say(
      'No e-mail here',
      'This service sends no e-mail, so this is not offered. Use another way, or tell its operator.',
    ),
    say(
      'Sem e-mail aqui',
      'Este serviço não envia e-mails, então isto não é oferecido. Use outra forma, ou avise quem o opera.',
    ),
  ),
  email_unverified: entry(
    403,
    say(
      'Address not verified',
      'Verify your e-mail address first: follow the link we sent to it, or ask for a new one.',
    ),
    say(
      'E-mail não verificado',
      'Verifique primeiro o seu e-mail: siga o link que enviamos para ele, ou peça um novo.',
    ),
  ),
  sign_in_overtaken: entry(
    409,
    say('Sign-in overtaken', 'What you signed in with was changed or used elsewhere meanwhile. Start again.'),
    say('Login interrompido', 'Aquilo com que você entrou foi alterado ou usado em outro lugar. Comece de novo.'),
  ),
  too_many_attempts: entry(
    429,
    say(
      'Too many attempts',
      'There were too many wrong attempts. Wait {seconds} seconds and try again, or use another way to sign in.',
    ),
    say(
      'Tentativas demais',
      'Houve tentativas erradas demais. Aguarde {seconds} segundos e tente de novo, ou entre de outra forma.',
    ),
  ),
  insufficient_scope: entry(
    403,
    say('Not allowed', 'You may not do this: it needs the permission {scope}. Ask an administrator for it.'),
    say(
      'Sem permissão',
      'Você não pode fazer isto: é preciso ter a permissão {scope}. Peça-a a quem administra o serviço.',
    ),
  ),
  invalid_client: entry(
    401,
    say(
      'Service not recognised',
      'This needs the id and secret of a service credential. Check both; it may have been revoked or its secret rotated.',
    ),
    say(
      'Serviço não reconhecido',
      'É preciso o id e o segredo de uma credencial de serviço. Confira ambos; ela pode ter sido revogada ou trocada.',
    ),
  ),

  // Looking after other people’s accounts
  account_not_found: entry(
    404,
    say('No such account', 'There is no account with this id. It may have been deleted.'),
    say('Conta inexistente', 'Não há conta com este id. Talvez ela tenha sido excluída.'),
  ),
  last_administrator: entry(
    409,
    say(
      'Last administrator',
      'This is the only administrator left, and nobody could look after the service without one. Make somebody else an administrator first.',
    ),
    say(
      'Última pessoa administradora',
      'Esta é a única conta administradora que resta; sem ela ninguém poderia cuidar do serviço. Dê antes esse papel a outra pessoa.',
    ),
  ),
  own_role: entry(
    409,
    say('Not your own role', 'Nobody changes their own role. Ask another administrator.'),
    say('Não o seu próprio papel', 'Ninguém muda o próprio papel. Peça a outra pessoa que administra o serviço.'),
  ),
  own_second_factor: entry(
    409,
    say(
      'Not your own second factor',
      'This is for whoever lost theirs. Remove your own on your account page, or ask another administrator.',
    ),
    say(
      'Não o seu próprio segundo fator',
      'Isto é para quem perdeu o seu. Remova o seu próprio na página da sua conta ou peça a outra pessoa que administra o serviço.',
    ),
  ),
  address_needed: entry(
    409,
    say('No verified address', 'This needs an account whose e-mail address is verified.'),
    say('Sem e-mail verificado', 'Isto requer uma conta cujo e-mail esteja verificado.'),
  ),
  service_credential_not_found: entry(
    404,
    say('No such credential', 'There is no service credential with this id. It may have been revoked.'),
    say('Credencial inexistente', 'Não há credencial de serviço com este id. Talvez ela tenha sido revogada.'),
  ),

  // Signing in with a provider
  provider_not_found: entry(
    404,
    say(
      'Unknown provider',
      'There is no sign-in provider called “{provider}” here. Choose one of the providers on the sign-in page.',
    ),
    say(
      'Provedor desconhecido',
      'Não há aqui nenhum provedor de login chamado “{provider}”. Escolha um dos provedores na página de login.',
    ),
  ),
  provider_unavailable: entry(
    503,
    say(
      'Provider unavailable',
      '{provider} is not answering right now. Wait a moment and try again; to sign in, you can use another way.',
    ),
    say(
      'Provedor indisponível',
      '{provider} não está respondendo agora. Aguarde um momento e tente de novo; para entrar, você pode usar outra forma.',
    ),
  ),
  access_denied: entry(
    400,
    say(
      'Declined at the provider',
      'You did not allow it at {provider}, so nothing was changed. You can try again; to sign in, you can use another way.',
    ),
    say(
      'Recusado no provedor',
      'Você não autorizou no {provider}; nada foi alterado. Tente de novo; para entrar, você pode usar outra forma.',
    ),
  ),
  invalid_state: entry(
    400,
    say('Sign-in not recognised', 'This sign-in was not started here. Start again from the sign-in page.'),
    say('Login não reconhecido', 'Este login não foi iniciado aqui. Comece de novo pela página de login.'),
  ),
  state_expired: entry(
    400,
    say('Sign-in took too long', 'This sign-in was started too long ago. Start again from the sign-in page.'),
    say('O login demorou demais', 'Este login foi iniciado há tempo demais. Comece de novo pela página de login.'),
  ),
  state_already_used: entry(
    400,
    say('Sign-in already used', 'This sign-in was already completed or given up. Start again from the sign-in page.'),
    say('Login já utilizado', 'Este login já foi concluído ou abandonado. Comece de novo pela página de login.'),
  ),
  flow_mismatch: entry(
    400,
    say(
      'Sign-in does not match',
      'This sign-in was started in another browser, for another account or for another purpose. Start again here.',
    ),
    say(
      'O login não confere',
      'Este login foi iniciado em outro navegador, para outra conta ou com outra finalidade. Comece de novo aqui.',
    ),
  ),
  token_exchange_failed: entry(
    502,
    say(
      'Provider refused the sign-in',
      '{provider} did not accept the sign-in. Start again; if it keeps happening, tell the operator of this service.',
    ),
    say(
      'O provedor recusou o login',
      '{provider} não aceitou o login. Comece de novo; se o problema continuar, avise quem opera este serviço.',
    ),
  ),
  user_info_fetch_failed: entry(
    502,
    say(
      'Profile unavailable',
      '{provider} did not tell us who you are. Try again; if it keeps happening, tell the operator of this service.',
    ),
    say(
      'Perfil indisponível',
      '{provider} não informou quem você é. Tente de novo; se o problema continuar, avise quem opera este serviço.',
    ),
  ),
  account_linking_failed: entry(
    409,
    say('Could not link', 'The sign-in could not be linked because the account changed meanwhile. Try again.'),
    say(
      'Não foi possível vincular',
      'Não foi possível vincular o login porque a conta mudou nesse meio-tempo. Tente de novo.',
    ),
  ),
  identity_already_linked: entry(
    409,
    say(
      'Already linked to another account',
      'This {provider} sign-in already belongs to another account here. Sign in with it and unlink it there first.',
    ),
    say(
      'Já vinculado a outra conta',
      'Este login do {provider} já pertence a outra conta aqui. Entre com ele e desvincule-o lá primeiro.',
    ),
  ),
  another_identity: entry(
    409,
    say(
      'Another account at the provider',
      'You came back with another {provider} account than the one that was asked for more. Nothing was changed. Begin again, and choose the same account at {provider}.',
    ),
    say(
      'Outra conta no provedor',
      'Você voltou com outra conta do {provider}, e não com aquela à qual se pediu mais. Nada foi alterado. Comece de novo e escolha a mesma conta no {provider}.',
    ),
  ),
  account_conflict: entry(
    409,
    say(
      'This address already has an account',
      'An account with this address already exists. Prove that it is yours to link {provider} to it, or go on with a separate account.',
    ),
    say(
      'Já existe uma conta com este e-mail',
      'Já existe uma conta com este e-mail. Comprove que ela é sua para vincular o {provider}, ou continue com uma conta separada.',
    ),
  ),
  conflict_not_found: entry(
    404,
    say(
      'Nothing to decide here',
      'This question was already answered, has expired, or was asked in another browser. Sign in again.',
    ),
    say(
      'Não há nada a decidir aqui',
      'Esta pergunta já foi respondida, expirou ou foi feita em outro navegador. Entre de novo.',
    ),
  ),
  proof_required: entry(
    401,
    say(
      'Prove the existing account first',
      'Sign in to the existing account with a way it already has, then link from there.',
    ),
    say(
      'Comprove primeiro que a conta é sua',
      'Entre na conta existente de uma das formas que ela já tem e depois faça a vinculação.',
    ),
  ),
  user_creation_disabled: entry(
    403,
    say(
      'New accounts are closed',
      'New accounts cannot be opened here at the moment. Ask an administrator of this service for access.',
    ),
    say('Cadastro fechado', 'No momento não é possível criar contas aqui. Peça acesso a quem administra este serviço.'),
  ),
  sign_in_restricted: entry(
    403,
    say(
      'Account not allowed here',
      'This service admits only certain {provider} accounts: those of its organizations or email domains. Use another {provider} account, or ask an administrator for access.',
    ),
    say(
      'Conta não permitida aqui',
      'Este serviço aceita apenas algumas contas do {provider}: as das organizações ou dos domínios de e-mail definidos. Use outra conta do {provider} ou peça acesso a quem administra o serviço.',
    ),
  ),
  organization_access_needed: entry(
    403,
    say(
      'Organization not confirmed',
      '{provider} did not confirm that you belong to an organization that may sign in here. Start again and grant access to your organization, or ask its owner to approve this service.',
    ),
    say(
      'Organização não confirmada',
      'O {provider} não confirmou que você pertence a uma organização que pode entrar aqui. Comece de novo e autorize o acesso à sua organização ou peça a quem a administra que aprove este serviço.',
    ),
  ),
  user_disabled: entry(
    403,
    say('Account disabled', 'This account is disabled. Ask an administrator of this service to enable it.'),
    say('Conta desativada', 'Esta conta está desativada. Peça a quem administra este serviço para reativá-la.'),
  ),
  too_many_identities: entry(
    409,
    say(
      'Limit of linked sign-ins reached',
      'Your account already has 20 linked sign-ins, and cannot have more. Unlink one you no longer use, then try again.',
    ),
    say(
      'Limite de logins vinculados atingido',
      'Sua conta já tem 20 logins vinculados e não pode ter mais. Desvincule um que você não usa mais e tente de novo.',
    ),
  ),
  return_to_not_allowed: entry(
    400,
    say(
      'Return address not allowed',
      'The address to return to is not on the allowed list. Ask the application that sent you here to correct it.',
    ),
    say(
      'Endereço de retorno não permitido',
      'O endereço de retorno não está na lista dos permitidos. Peça a correção ao aplicativo que trouxe você até aqui.',
    ),
  ),
  redirect_uri_key_not_found: entry(
    400,
    say(
      'Unknown redirect URI',
      'There is no redirect URI registered under the key “{key}” for this provider. Use one of the registered keys.',
    ),
    say(
      'URI de redirecionamento desconhecida',
      'Não há URI de redirecionamento registrada com a chave “{key}” para este provedor. Use uma das chaves registradas.',
    ),
  ),

  // First-party tokens
  token_expired: entry(
    401,
    say('Token expired', 'The token has expired. Refresh it, or sign in again.'),
    say('Token expirado', 'Token expirado'),
  ),
  token_invalid: entry(
    401,
    say('Token invalid', 'The token is invalid or malformed. Sign in again.'),
    say('Token inválido', 'Token inválido ou malformado'),
  ),
  token_wrong_type: entry(
    401,
    say('Wrong kind of token', 'The token is invalid: expected type {type}.'),
    say('Tipo de token errado', 'Token inválido: esperado tipo {type}'),
  ),
  token_subject_missing: entry(
    401,
    say('Token without subject', 'The token is invalid: subject not found.'),
    say('Token sem subject', 'Token inválido: subject não encontrado'),
  ),
  user_not_found: entry(
    401,
    say('User not found', 'The user of this token no longer exists.'),
    say('Usuário não encontrado', 'Usuário não encontrado'),
  ),
  session_revoked: entry(
    401,
    say('Signed out', 'This device was signed out. Sign in again.'),
    say('Sessão encerrada', 'Este dispositivo foi desconectado. Entre de novo.'),
  ),
  session_expired: entry(
    401,
    say('Session expired', 'This sign-in has reached the end of its life. Sign in again.'),
    say('Sessão expirada', 'A validade desta sessão terminou. Entre de novo.'),
  ),
  token_reused: entry(
    401,
    say(
      'Token used twice',
      'This refresh token was already used, so this device was signed out for safety. Sign in again.',
    ),
    say(
      'Token usado duas vezes',
      'Este token de renovação já foi usado; por segurança, este dispositivo foi desconectado. Entre de novo.',
    ),
  ),
  code_invalid: entry(
    400,
    say('Code not accepted', 'This sign-in code is unknown, expired or already used. Start the sign-in again.'),
    say('Código não aceito', 'Este código de login é desconhecido, expirou ou já foi usado. Comece o login de novo.'),
  ),
  grant_type_unsupported: entry(
    400,
    say(
      'Grant type not supported',
      'This grant type is not supported here. Use password, authorization_code or refresh_token.',
    ),
    say(
      'Tipo de concessão não aceito',
      'Este tipo de concessão não é aceito aqui. Use password, authorization_code ou refresh_token.',
    ),
  ),

  // Who you are, and what you may
  authentication_required: entry(
    401,
    say('Sign in first', 'This needs you to be signed in. Sign in and try again.'),
    say('Entre primeiro', 'Para isto é preciso entrar na conta. Entre e tente de novo.'),
  ),
  reauthentication_required: entry(
    403,
    say('Sign in again to go on', 'For your safety this needs a recent sign-in. Sign in again and repeat it.'),
    say('Entre de novo para continuar', 'Por segurança, isto exige um login recente. Entre de novo e repita.'),
  ),
  csrf_failed: entry(
    403,
    say(
      'Form out of date',
      'This form did not come from this service or is out of date. Reload the page and try again.',
    ),
    say(
      'Formulário desatualizado',
      'Este formulário não veio deste serviço ou está desatualizado. Recarregue a página e tente de novo.',
    ),
  ),
  not_linked: entry(
    404,
    say('Not linked', 'There is no such sign-in on your account. Reload the page to see the ones it has.'),
    say('Não vinculado', 'A sua conta não tem esse login vinculado. Recarregue a página para ver os que ela tem.'),
  ),
  last_login_method: entry(
    409,
    say('Last way to sign in', 'This is the only way left into your account. Link another one first.'),
    say('Última forma de entrar', 'Esta é a única forma de entrar que resta na sua conta. Vincule outra primeiro.'),
  ),
  session_not_found: entry(
    404,
    say('No such device', 'There is no such device on your account. It may have been signed out already.'),
    say('Dispositivo inexistente', 'A sua conta não tem esse dispositivo. Talvez ele já tenha sido desconectado.'),
  ),
  needs_reauthorization: entry(
    409,
    say(
      'Permission needs renewing',
      '{provider} no longer accepts our permission. Whoever gave it renews it: by signing in with {provider} again, or by connecting the team again.',
    ),
    say(
      'Permissão precisa ser renovada',
      'O {provider} não aceita mais a nossa permissão. Quem a deu pode renová-la: entrando com o {provider} de novo, ou conectando a equipe de novo.',
    ),
  ),
  not_connected: entry(
    404,
    say('Not connected', 'There is no such connection. Ask the person or the team to connect {provider} first.'),
    say('Não conectado', 'Não existe essa conexão. Peça à pessoa ou à equipe que conecte o {provider} primeiro.'),
  ),
  scopes_not_offered: entry(
    400,
    say(
      'Not offered here',
      'These permissions are not offered here. Choose among those shown on the page of the sign-in.',
    ),
    say(
      'Não oferecido aqui',
      'Estas permissões não são oferecidas aqui. Escolha entre as que a página do login mostra.',
    ),
  ),

  // Teams and what they connect
  team_not_found: entry(
    404,
    say('No such team', 'There is no such team, or you are not in it.'),
    say('Equipe inexistente', 'Essa equipe não existe, ou você não faz parte dela.'),
  ),
  team_role_required: entry(
    403,
    say('Not with your role', 'Your role in the team does not allow this. Ask one of its owners or admins.'),
    say('Não com o seu papel', 'O seu papel na equipe não permite isto. Peça a quem a possui ou administra.'),
  ),
  member_not_found: entry(
    404,
    say('No such member', 'The team has no such member. Reload the page to see who is in it.'),
    say('Membro inexistente', 'A equipe não tem esse membro. Recarregue a página para ver quem faz parte dela.'),
  ),
  last_owner: entry(
    409,
    say('Last owner', 'A team keeps an owner. Make somebody else owner first, or delete the team.'),
    say(
      'Última pessoa proprietária',
      'Uma equipe precisa de alguém que a possua. Passe o papel a outra pessoa primeiro, ou apague a equipe.',
    ),
  ),
  already_member: entry(
    409,
    say('Already in the team', 'This person is in the team already, so there is nothing left to do.'),
    say('Já está na equipe', 'Esta pessoa já está na equipe; não há mais nada a fazer.'),
  ),
  invitation_not_found: entry(
    404,
    say('No such invitation', 'The invitation is used, withdrawn or out of date. Ask the team for another one.'),
    say('Convite inexistente', 'O convite foi usado, retirado ou está vencido. Peça outro à equipe.'),
  ),
  team_limit_reached: entry(
    409,
    say('Too many', 'This is as many as there may be. Delete one that is no longer needed first.'),
    say('Limite atingido', 'Não pode haver mais do que isto. Apague antes um que não seja mais necessário.'),
  ),
  jira_not_available: entry(
    404,
    say('No Jira here', 'Atlassian is not set up on this service, so no team can connect Jira. Ask whoever runs it.'),
    say(
      'Sem Jira aqui',
      'A Atlassian não está configurada neste serviço, por isso nenhuma equipe pode conectar o Jira. Fale com quem o opera.',
    ),
  ),
  jira_not_connected: entry(
    404,
    say('Jira is not connected', 'The team is not connected to Jira. An owner or admin can connect it.'),
    say('Jira não conectado', 'A equipe não está conectada ao Jira. Quem a possui ou administra pode conectá-la.'),
  ),
  jira_not_active: entry(
    401,
    say(
      'No active Jira connection',
      'The team has no working connection to Jira. An owner or admin connects it, or chooses its sites, on the integrations page.',
    ),
    say(
      'Sem conexão ativa com o Jira',
      'A equipe não tem uma conexão com o Jira que funcione. Quem a possui ou administra a conecta, ou escolhe os sites, na página de integrações.',
    ),
  ),
  jira_site_not_found: entry(
    400,
    say('Site not reachable', 'The connection does not reach one of these sites. Reload the list and choose again.'),
    say('Site fora de alcance', 'A conexão não alcança um destes sites. Recarregue a lista e escolha de novo.'),
  ),
  jira_scope_missing: entry(
    403,
    say(
      'Permission missing at Jira',
      'The connection lacks a permission this needs: {scopes}. An owner or admin connects Jira again and grants it.',
    ),
    say(
      'Falta uma permissão no Jira',
      'Falta à conexão uma permissão necessária: {scopes}. Quem possui ou administra a equipe conecta o Jira de novo e a concede.',
    ),
  ),
  jira_forbidden: entry(
    403,
    say(
      'Refused by Jira',
      'Jira does not let whoever connected the team see this; service desks need an agent licence. Ask an agent to connect it.',
    ),
    say(
      'Recusado pelo Jira',
      'O Jira não deixa quem conectou a equipe ver isto; centrais de serviço exigem licença de agente. Peça a um agente que a conecte.',
    ),
  ),
  provider_rate_limited: entry(
    429,
    say(
      'The provider asks to wait',
      '{provider} got too many requests from here. Wait {seconds} seconds and try again.',
    ),
    say(
      'O provedor pede para aguardar',
      'O {provider} recebeu requisições demais daqui. Aguarde {seconds} segundos e tente de novo.',
    ),
  ),

  // Requests
  invalid_request: entry(
    400,
    say(
      'Request not understood',
      'The request is not valid. Correct it and send it again; errors, where present, names the fields.',
    ),
    say(
      'Requisição não compreendida',
      'A requisição não é válida. Corrija-a e envie de novo; errors, quando presente, indica os campos.',
    ),
  ),
  malformed_body: entry(
    400,
    say('Body not readable', 'The body of the request could not be read. Send well-formed JSON or form data.'),
    say(
      'Corpo ilegível',
      'Não foi possível ler o corpo da requisição. Envie JSON ou dados de formulário bem formados.',
    ),
  ),
  payload_too_large: entry(
    413,
    say('Request too large', 'The body of the request is larger than 64 KiB. Send less.'),
    say('Requisição grande demais', 'O corpo da requisição passa de 64 KiB. Envie menos.'),
  ),
  headers_too_large: entry(
    431,
    say(
      'Request headers too large',
      'The headers of the request, with its cookies and URL, are larger than 16 KiB, or there are more than 100 headers. In a browser, delete the cookies of this site and try again.',
    ),
    say(
      'Cabeçalhos da requisição grandes demais',
      'Os cabeçalhos da requisição, com os cookies e a URL, passam de 16 KiB, ou são mais de 100. No navegador, exclua os cookies deste site e tente de novo.',
    ),
  ),
  request_timeout: entry(
    408,
    say('Request incomplete', 'The request did not arrive completely in time. Send it again.'),
    say('Requisição incompleta', 'A requisição não chegou completa a tempo. Envie-a de novo.'),
  ),
  unsupported_media_type: entry(
    415,
    say('Content type not supported', 'This content type is not accepted here. Use {accepted}.'),
    say('Tipo de conteúdo não aceito', 'Este tipo de conteúdo não é aceito aqui. Use {accepted}.'),
  ),
  not_found: entry(
    404,
    say('Not found', 'There is nothing at this address.'),
    say('Não encontrado', 'Não há nada neste endereço.'),
  ),
  method_not_allowed: entry(
    405,
    say('Method not allowed', 'This address does not answer that method. Use {allowed}.'),
    say('Método não permitido', 'Este endereço não responde a esse método. Use {allowed}.'),
  ),
  rate_limited: entry(
    429,
    say('Too many requests', 'There were too many requests from here. Wait {seconds} seconds and try again.'),
    say('Requisições demais', 'Recebemos requisições demais daqui. Aguarde {seconds} segundos e tente de novo.'),
  ),
  not_ready: entry(
    503,
    say('Not ready', 'The service cannot answer at the moment. Try again shortly.'),
    say('Serviço indisponível', 'O serviço não pode atender no momento. Tente de novo em instantes.'),
  ),
  internal: entry(
    500,
    say(
      'Something went wrong',
      'Something went wrong here. Try again; if it keeps happening, tell the operator the request id.',
    ),
    say(
      'Algo deu errado',
      'Algo deu errado aqui. Tente de novo; se o problema continuar, informe o id da requisição a quem opera o serviço.',
    ),
  ),
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof catalogue

/** The `{placeholders}` of a message, read off its text: a code cannot be raised without them. */
type Placeholders<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never
type Names<C extends ErrorCode> = Placeholders<(typeof catalogue)[C]['en']['detail']>

/**
 * A refusal, as a value. `params` fill the message, `extra` are members the contract adds to the answer
 * (`conflict_ticket`, `remaining_methods`), `retryAfter` is in seconds. `cause` is for the log alone: the
 * person never reads it.
 */
export type AppError<C extends ErrorCode = ErrorCode> = {
  readonly code: C
  readonly params: Readonly<Record<string, string>>
  readonly extra?: Readonly<Record<string, unknown>>
  readonly retryAfter?: number
  readonly cause?: unknown
}
type Rest = { extra?: Record<string, unknown>; retryAfter?: number; cause?: unknown }

export function fail<C extends ErrorCode>(
  code: C,
  ...[params, rest]: [Names<C>] extends [never]
    ? [params?: undefined, rest?: Rest]
    : [params: Record<Names<C>, string>, rest?: Rest]
): Err<AppError<C>> {
  return err({ code, params: params ?? {}, ...rest })
}

const fill = (text: string, params: Readonly<Record<string, string>>): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '')

/** What a person is told: the title names the kind, the detail says what to do next. */
export function message(error: AppError, locale: Locale): Text {
  const { title, detail } = catalogue[error.code][locale]
  return { title, detail: fill(detail, error.params) }
}
