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
    say('Sign-in failed', 'Email or password incorrect'),
    say('Login não efetuado', 'Email ou senha incorretos'),
  ),
  password_rejected: entry(
    400,
    say(
      'Password not accepted',
      'Choose another password: {least} to {most} characters, not a common one, and more than your name, your email address or the name of this service.',
    ),
    say(
      'Senha não aceita',
      'Escolha outra senha: de {least} a {most} caracteres, que não seja comum e que vá além do seu nome, do seu e-mail ou do nome deste serviço.',
    ),
  ),
  email_required: entry(
    409,
    say(
      'Email address required',
      'A password belongs to an email address. Add an email address to your account first.',
    ),
    say('E-mail necessário', 'Uma senha pertence a um endereço de e-mail. Adicione primeiro um e-mail à sua conta.'),
  ),
  second_factor_required: entry(
    401,
    say('Second factor required', 'This account requires a second factor. Send it with the ticket of this response.'),
    say('Segundo fator necessário', 'Esta conta exige um segundo fator. Envie-o com o tíquete desta resposta.'),
  ),
  second_factor_invalid: entry(
    401,
    say(
      'Second factor not accepted',
      'This code or passkey is wrong, was already used or has expired. Try again with a new one.',
    ),
    say(
      'Segundo fator não aceito',
      'Este código ou chave de acesso está incorreto, já foi usado ou expirou. Tente de novo com outro.',
    ),
  ),
  second_factor_exists: entry(
    409,
    say(
      'Second factor already set up',
      'Your account already has a second factor of this kind. Remove it first to set up another one.',
    ),
    say(
      'Segundo fator já configurado',
      'A sua conta já tem um segundo fator deste tipo. Remova-o primeiro para configurar outro.',
    ),
  ),
  second_factor_missing: entry(
    409,
    say('No second factor', 'The account has no second factor for this action. Set one up first.'),
    say('Falta um segundo fator', 'A conta não tem um segundo fator para esta ação. Configure um primeiro.'),
  ),
  passkey_rejected: entry(
    401,
    say(
      'Passkey not accepted',
      'This passkey is not registered here, or its response is invalid. Try again, or use another sign-in method.',
    ),
    say(
      'Chave de acesso não aceita',
      'Esta chave de acesso não está registrada aqui, ou a resposta dela é inválida. Tente de novo ou entre de outra forma.',
    ),
  ),
  passkey_not_added: entry(
    400,
    say(
      'Passkey not added',
      'This passkey could not be added: it is already registered here, its response is invalid, or your account already has 50 passkeys. Try again with another one, or remove one first.',
    ),
    say(
      'Chave de acesso não adicionada',
      'Não foi possível adicionar esta chave de acesso: ela já está registrada aqui, a resposta é inválida ou a sua conta já tem 50 chaves. Tente com outra ou remova uma antes.',
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
    say('Passkey not found', 'Your account has no such passkey. Reload the page to see its passkeys.'),
    say(
      'Chave de acesso não encontrada',
      'A sua conta não tem essa chave de acesso. Recarregue a página para ver as chaves dela.',
    ),
  ),
  ticket_invalid: entry(
    400,
    say(
      'Link no longer valid',
      'This link or code was already used, has expired or was not issued here. Request a new one.',
    ),
    say('Link inválido', 'Este link ou código já foi usado, expirou ou não foi emitido aqui. Peça um novo.'),
  ),
  mail_not_configured: entry(
    404,
    say(
      'Email not available',
      'This service does not send email, so this option is not available. Use another sign-in method, or contact the operator.',
    ),
    say(
      'E-mail não disponível',
      'Este serviço não envia e-mails, por isso esta opção não está disponível. Entre de outra forma ou avise quem opera o serviço.',
    ),
  ),
  email_unverified: entry(
    403,
    say(
      'Email address not verified',
      'Verify your email address first: open the link we sent to it, or request a new one.',
    ),
    say('E-mail não verificado', 'Verifique primeiro o seu e-mail: abra o link que enviamos para ele ou peça um novo.'),
  ),
  sign_in_overtaken: entry(
    409,
    say(
      'Please sign in again',
      'Your password, passkey or link was changed or used while you were signing in. Start again.',
    ),
    say(
      'Entre novamente',
      'A sua senha, chave de acesso ou link foi alterado ou usado enquanto você entrava. Comece de novo.',
    ),
  ),
  too_many_attempts: entry(
    429,
    say(
      'Too many attempts',
      'There were too many wrong attempts. Wait {seconds} seconds and try again, or use another sign-in method.',
    ),
    say(
      'Tentativas demais',
      'Houve tentativas erradas demais. Aguarde {seconds} segundos e tente de novo, ou entre de outra forma.',
    ),
  ),
  insufficient_scope: entry(
    403,
    say(
      'Not allowed',
      'You are not allowed to do this: it requires the permission {scope}. Ask an administrator for it.',
    ),
    say(
      'Sem permissão',
      'Você não pode fazer isto: é preciso ter a permissão {scope}. Peça-a a quem administra o serviço.',
    ),
  ),
  invalid_client: entry(
    401,
    say(
      'Client authentication failed',
      'The request needs the ID and secret of a service credential. Check both: the credential may have been revoked or rotated.',
    ),
    say(
      'Falha na autenticação do cliente',
      'A requisição precisa do ID e do segredo de uma credencial de serviço. Confira ambos: a credencial pode ter sido revogada ou trocada.',
    ),
  ),

  // Looking after other people’s accounts
  account_not_found: entry(
    404,
    say('Account not found', 'There is no account with this ID. It may have been deleted.'),
    say('Conta não encontrada', 'Não há conta com este ID. Talvez ela tenha sido excluída.'),
  ),
  last_administrator: entry(
    409,
    say('Last administrator', 'This is the only administrator. Make someone else an administrator first.'),
    say('Última conta administradora', 'Esta é a única conta administradora. Dê antes esse papel a outra pessoa.'),
  ),
  own_role: entry(
    409,
    say('You cannot change your own role', 'Ask another administrator to change it.'),
    say('Você não pode alterar o próprio papel', 'Peça a outro(a) administrador(a) que o altere.'),
  ),
  own_second_factor: entry(
    409,
    say(
      'You cannot remove your own second factor here',
      'Remove it on your account page, or ask another administrator.',
    ),
    say(
      'Você não pode remover o próprio segundo fator aqui',
      'Remova-o na página da sua conta ou peça a outro(a) administrador(a).',
    ),
  ),
  address_needed: entry(
    409,
    say('No verified email address', 'The account needs a verified email address. Verify it first.'),
    say('Sem e-mail verificado', 'A conta precisa de um e-mail verificado. Verifique-o primeiro.'),
  ),
  service_credential_not_found: entry(
    404,
    say('Service credential not found', 'There is no service credential with this ID. It may have been revoked.'),
    say(
      'Credencial de serviço não encontrada',
      'Não há credencial de serviço com este ID. Talvez ela tenha sido revogada.',
    ),
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
      '{provider} is not responding right now. Wait a moment and try again. To sign in, you can use another sign-in method.',
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
      'You declined at {provider}, so nothing was changed. You can try again. To sign in, you can use another sign-in method.',
    ),
    say(
      'Recusado no provedor',
      'Você não autorizou em {provider}; nada foi alterado. Tente de novo; para entrar, você pode usar outra forma.',
    ),
  ),
  invalid_state: entry(
    400,
    say('Sign-in not recognized', 'This sign-in was not started here. Start again from the sign-in page.'),
    say('Login não reconhecido', 'Este login não foi iniciado aqui. Comece de novo pela página de login.'),
  ),
  state_expired: entry(
    400,
    say('Sign-in took too long', 'This sign-in has expired. Start again from the sign-in page.'),
    say('O login demorou demais', 'Este login expirou. Comece de novo pela página de login.'),
  ),
  state_already_used: entry(
    400,
    say('Sign-in already used', 'This sign-in was already completed or canceled. Start again from the sign-in page.'),
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
      '{provider} did not accept the sign-in. Start again. If it keeps happening, contact the operator of this service.',
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
      '{provider} did not return your profile. Try again. If it keeps happening, contact the operator of this service.',
    ),
    say(
      'Perfil indisponível',
      '{provider} não informou o seu perfil. Tente de novo; se o problema continuar, avise quem opera este serviço.',
    ),
  ),
  account_linking_failed: entry(
    409,
    say(
      'Could not link',
      'The sign-in method could not be linked because the account changed in the meantime. Try again.',
    ),
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
      'Este login de {provider} já pertence a outra conta aqui. Entre com ele e desvincule-o lá primeiro.',
    ),
  ),
  another_identity: entry(
    409,
    say(
      'Another account at the provider',
      'You returned with a different {provider} account. Nothing was changed. Start again, and choose the same account at {provider}.',
    ),
    say(
      'Outra conta no provedor',
      'Você voltou com uma conta de {provider} diferente. Nada foi alterado. Comece de novo e escolha a mesma conta em {provider}.',
    ),
  ),
  account_conflict: entry(
    409,
    say(
      'This email address already has an account',
      'An account with this email address already exists. Prove that it is yours to link {provider} to it, or continue with a separate account.',
    ),
    say(
      'Já existe uma conta com este e-mail',
      'Já existe uma conta com este e-mail. Comprove que ela é sua para vincular {provider}, ou continue com uma conta separada.',
    ),
  ),
  conflict_not_found: entry(
    404,
    say(
      'Nothing to decide here',
      'This question was already answered, has expired, or was asked in another browser. If you followed a link from an email, open the link in the browser where you started. Otherwise, sign in again.',
    ),
    say(
      'Não há nada a decidir aqui',
      'Esta pergunta já foi respondida, expirou ou foi feita em outro navegador. Se você seguiu um link de um e-mail, abra-o no navegador em que começou. Caso contrário, entre de novo.',
    ),
  ),
  proof_required: entry(
    401,
    say(
      'Sign in to the existing account first',
      'Sign in to the existing account with one of its sign-in methods, then link from there.',
    ),
    say(
      'Comprove primeiro que a conta é sua',
      'Entre na conta existente de uma das formas que ela já tem e depois faça a vinculação.',
    ),
  ),
  user_creation_disabled: entry(
    403,
    say(
      'Sign-up is closed',
      'New accounts cannot be created here at the moment. Ask an administrator of this service for access.',
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
      'Este serviço aceita apenas algumas contas de {provider}: as das organizações ou dos domínios de e-mail definidos. Use outra conta de {provider} ou peça acesso a quem administra o serviço.',
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
      '{provider} não confirmou que você pertence a uma organização que pode entrar aqui. Comece de novo e autorize o acesso à sua organização ou peça a quem a administra que aprove este serviço.',
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
      'Limit of linked sign-in methods reached',
      'Your account already has 20 linked sign-in methods and cannot have more. Unlink one that you no longer use, then try again.',
    ),
    say(
      'Limite de logins vinculados atingido',
      'Sua conta já tem 20 logins vinculados e não pode ter mais. Desvincule um que você não usa mais e tente de novo.',
    ),
  ),
  too_many_service_credentials: entry(
    409,
    say(
      'Limit of service credentials reached',
      'This service already has 500 service credentials and cannot have more. Revoke one that is no longer used, then try again.',
    ),
    say(
      'Limite de credenciais de serviço atingido',
      'Este serviço já tem 500 credenciais de serviço e não pode ter mais. Revogue uma que não seja mais usada e tente de novo.',
    ),
  ),
  return_to_not_allowed: entry(
    400,
    say(
      'Return URL not allowed',
      'The return URL is not on the allowed list. Ask the application that sent you here to correct it.',
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
    say('Session expired', 'This session has expired. Sign in again.'),
    say('Sessão expirada', 'Esta sessão expirou. Entre de novo.'),
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
    say('Sign in first', 'You need to be signed in. Sign in and try again.'),
    say('Entre primeiro', 'É preciso entrar na conta. Entre e tente de novo.'),
  ),
  reauthentication_required: entry(
    403,
    say(
      'Sign in again to continue',
      'For your security, a recent sign-in is needed. Sign in again and repeat the action.',
    ),
    say('Entre de novo para continuar', 'Por segurança, é preciso um login recente. Entre de novo e repita a ação.'),
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
    say('Not linked', 'Your account has no such sign-in method. Reload the page to see its sign-in methods.'),
    say(
      'Não vinculado',
      'A sua conta não tem essa forma de entrar. Recarregue a página para ver as formas de entrar dela.',
    ),
  ),
  last_login_method: entry(
    409,
    say('Last sign-in method', 'This is the only sign-in method left on your account. Add another one first.'),
    say('Última forma de entrar', 'Esta é a única forma de entrar que resta na sua conta. Adicione outra primeiro.'),
  ),
  session_not_found: entry(
    404,
    say('Device not found', 'Your account has no such device. It may already be signed out.'),
    say('Dispositivo não encontrado', 'A sua conta não tem esse dispositivo. Talvez ele já tenha sido desconectado.'),
  ),
  needs_reauthorization: entry(
    409,
    say(
      'Permission must be renewed',
      '{provider} no longer accepts our permission. To renew it, sign in with {provider} again, or connect the team again.',
    ),
    say(
      'A permissão precisa ser renovada',
      '{provider} não aceita mais a nossa permissão. Para renová-la, entre com {provider} de novo ou conecte a equipe de novo.',
    ),
  ),
  not_connected: entry(
    404,
    say('Not connected', '{provider} is not connected. Ask the person or the team to connect {provider} first.'),
    say('Não conectado', '{provider} não está conectado. Peça à pessoa ou à equipe que faça a conexão primeiro.'),
  ),
  scopes_not_offered: entry(
    400,
    say(
      'Permissions not offered',
      'These permissions are not offered here. Choose from those shown on the page of the sign-in method.',
    ),
    say(
      'Permissões não oferecidas',
      'Estas permissões não são oferecidas aqui. Escolha entre as que a página da forma de entrar mostra.',
    ),
  ),

  // Teams and what they connect
  team_not_found: entry(
    404,
    say('Team not found', 'There is no such team, or you are not a member of it.'),
    say('Equipe não encontrada', 'Essa equipe não existe, ou você não faz parte dela.'),
  ),
  team_role_required: entry(
    403,
    say('Your role does not allow this', 'Ask one of the owners or admins of the team.'),
    say('O seu papel não permite esta ação', 'Peça a quem possui ou administra a equipe.'),
  ),
  member_not_found: entry(
    404,
    say('Member not found', 'The team has no such member. Reload the page to see its members.'),
    say('Membro não encontrado', 'A equipe não tem esse membro. Recarregue a página para ver quem faz parte dela.'),
  ),
  last_owner: entry(
    409,
    say('Last owner', 'A team needs an owner. Make someone else an owner first, or delete the team.'),
    say(
      'Última pessoa proprietária',
      'Uma equipe precisa de alguém que a possua. Passe o papel a outra pessoa primeiro ou exclua a equipe.',
    ),
  ),
  already_member: entry(
    409,
    say('Already in the team', 'This person is already in the team. Nothing else is needed.'),
    say('Já está na equipe', 'Esta pessoa já está na equipe. Não é preciso fazer mais nada.'),
  ),
  invitation_not_found: entry(
    404,
    say(
      'Invitation no longer valid',
      'The invitation was used or withdrawn, or has expired. Ask the team for a new one.',
    ),
    say('Convite inválido', 'O convite foi usado ou retirado, ou expirou. Peça outro à equipe.'),
  ),
  team_limit_reached: entry(
    409,
    say('Limit reached', 'You cannot add more. Delete one that is no longer needed first.'),
    say('Limite atingido', 'Você não pode adicionar mais. Exclua antes um que não seja mais necessário.'),
  ),
  jira_not_available: entry(
    404,
    say(
      'Jira not available',
      'Atlassian is not set up on this service, so no team can connect Jira. Contact the operator of this service.',
    ),
    say(
      'Jira não disponível',
      'A Atlassian não está configurada neste serviço, por isso nenhuma equipe pode conectar o Jira. Fale com quem opera o serviço.',
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
      'The team has no working connection to Jira. An owner or admin can connect it, or choose its sites, on the integrations page.',
    ),
    say(
      'Sem conexão ativa com o Jira',
      'A equipe não tem uma conexão com o Jira que funcione. Quem a possui ou administra pode conectá-la ou escolher os sites na página de integrações.',
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
      'The connection lacks a permission: {scopes}. An owner or admin can connect Jira again and grant it.',
    ),
    say(
      'Falta uma permissão no Jira',
      'Falta à conexão uma permissão: {scopes}. Quem possui ou administra a equipe pode conectar o Jira de novo e concedê-la.',
    ),
  ),
  jira_forbidden: entry(
    403,
    say(
      'Refused by Jira',
      'The person who connected the team may not see these service desks: Jira requires an agent license. Ask an agent to connect it.',
    ),
    say(
      'Recusado pelo Jira',
      'Quem conectou a equipe não pode ver estas centrais de serviço: o Jira exige licença de agente. Peça a um(a) agente que a conecte.',
    ),
  ),
  provider_rate_limited: entry(
    429,
    say(
      'The provider asked us to wait',
      '{provider} received too many requests from this service. Wait {seconds} seconds and try again.',
    ),
    say(
      'O provedor pede para aguardar',
      '{provider} recebeu requisições demais deste serviço. Aguarde {seconds} segundos e tente de novo.',
    ),
  ),

  // Requests
  invalid_request: entry(
    400,
    say(
      'Invalid request',
      'The request is not valid. Correct it and send it again. If present, errors lists the fields.',
    ),
    say(
      'Requisição inválida',
      'A requisição não é válida. Corrija-a e envie de novo. Quando presente, errors indica os campos.',
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
    say('Not found', 'There is nothing at this URL. Check it for typing mistakes.'),
    say('Não encontrado', 'Não há nada nesta URL. Confira se ela foi digitada corretamente.'),
  ),
  method_not_allowed: entry(
    405,
    say('Method not allowed', 'This URL does not accept that method. Use {allowed}.'),
    say('Método não permitido', 'Esta URL não aceita esse método. Use {allowed}.'),
  ),
  rate_limited: entry(
    429,
    say('Too many requests', 'Too many requests came from your network. Wait {seconds} seconds and try again.'),
    say('Requisições demais', 'Recebemos requisições demais da sua rede. Aguarde {seconds} segundos e tente de novo.'),
  ),
  not_ready: entry(
    503,
    say('Not ready', 'The service cannot respond at the moment. Try again shortly.'),
    say('Serviço indisponível', 'O serviço não pode atender no momento. Tente de novo em instantes.'),
  ),
  internal: entry(
    500,
    say(
      'Something went wrong',
      'Something went wrong on our side. Try again. If it keeps happening, give the operator the request ID.',
    ),
    say(
      'Algo deu errado',
      'Algo deu errado do nosso lado. Tente de novo; se o problema continuar, informe o ID da requisição a quem opera o serviço.',
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
