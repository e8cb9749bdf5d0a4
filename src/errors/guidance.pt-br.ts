import type { Guide } from './guidance.ts'

/** What the page of each error code explains, in Brazilian Portuguese. */
export const portugueseGuide: Guide = {
  // Sign-in with a password, a passkey or an email message
  invalid_credentials: {
    happened: 'O e-mail e a senha não correspondem a nenhuma conta. O serviço não revela qual dos dois está errado.',
    causes: [
      'A senha está errada, por exemplo depois de uma troca feita em outro dispositivo.',
      'Não existe conta com esse e-mail, ou ele foi digitado errado.',
      'A conta não tem senha: a pessoa entra por um provedor ou com uma chave de acesso.',
      'A conta está desativada.',
      'Na troca de senha: a senha atual está errada.',
    ],
    person: 'Confira o e-mail e a senha. Se esqueceu a senha, peça um link para criar outra ou entre de outra forma.',
    developer:
      'Mostre uma única mensagem para todas as causas e não repita a requisição automaticamente: cada tentativa conta. Depois de cinco tentativas erradas, a resposta é `too_many_attempts`. O evento `authentication.failed` indica a conta, se houver uma.',
  },
  password_rejected: {
    happened: 'A senha nova não atende às regras e não foi salva. O motivo está em `reason` e em `errors`.',
    causes: [
      '`too_short`: tem menos caracteres do que `PASSWORD_LEAST_LENGTH`.',
      '`too_long`: tem mais de 256 caracteres.',
      '`too_common`: está na lista de senhas comuns, ou é quase igual a uma delas.',
      '`too_personal`: é pouco mais que o nome, o e-mail ou o nome do serviço.',
    ],
    person:
      'Escolha uma senha mais longa, como quatro ou cinco palavras sem relação entre si, ou deixe um gerenciador de senhas criar uma.',
    developer:
      'Mostre o texto de `errors[].detail` ao lado do campo da senha. Não invente regras sobre números ou símbolos: o serviço não tem nenhuma. O link de redefinição continua válido depois deste erro.',
  },
  email_required: {
    happened: 'A conta não tem e-mail, e uma senha sempre é usada junto com um.',
    causes: [
      'A conta foi criada por um provedor que não informa o e-mail, ou a pessoa preferiu não informá-lo.',
      'A conta foi criada como conta separada, porque o e-mail já pertence a outra.',
    ],
    person: 'Adicione um e-mail na página da sua conta, abra o link que enviaremos e depois defina a senha.',
    developer:
      'Envie o endereço novo a `PUT /me/email` e, depois que a pessoa o confirmar, chame `PUT /me/password`. O envio do link depende de `SMTP_URL`.',
  },
  second_factor_required: {
    happened:
      'A primeira prova foi aceita, mas a conta também exige um segundo fator. O login espera por ele durante dez minutos.',
    causes: [
      'A conta tem um aplicativo autenticador.',
      'A conta pede uma chave de acesso depois de qualquer outra forma de entrar.',
      'A requisição com a senha não trouxe `totp`.',
    ],
    person: 'Digite o código do seu aplicativo autenticador, use um código de recuperação ou a sua chave de acesso.',
    developer:
      'Isto é uma etapa, não uma falha. Envie `second_factor_ticket` a `POST /auth/second-factor` com `totp`, `recovery_code` ou `passkey`. Qualquer login pode terminar assim, inclusive o retorno de um provedor.',
  },
  second_factor_invalid: {
    happened: 'O código ou a chave de acesso enviada como segundo fator não corresponde à conta.',
    causes: [
      'O código foi digitado errado, ou é de outra entrada do aplicativo autenticador.',
      'O código já foi usado. Cada código, também de recuperação, vale uma única vez.',
      'O relógio do celular está errado em mais de um minuto.',
      'A chave de acesso é de outra conta.',
    ],
    person:
      'Espere o próximo código e digite-o. Ative o ajuste automático de hora no celular ou use um dos seus códigos de recuperação.',
    developer:
      'Peça outro código com o mesmo `second_factor_ticket`: ele vale até expirar. Códigos errados contam para `too_many_attempts`; chaves de acesso erradas, não.',
  },
  second_factor_exists: {
    happened: 'A configuração de um aplicativo autenticador foi iniciada, mas a conta já tem um confirmado.',
    causes: [
      'A pessoa quer trocar de celular e ainda não removeu o aplicativo antigo.',
      'O aplicativo foi configurado em outra aba ou em outro dispositivo.',
    ],
    person: 'Remova o aplicativo autenticador na página da sua conta e depois configure o novo.',
    developer:
      'Consulte `GET /me/second-factor` antes de oferecer a configuração. Para trocar o aplicativo, envie antes `DELETE /me/second-factor/totp`.',
  },
  second_factor_missing: {
    happened: 'A ação precisa de um segundo fator, ou de uma configuração em andamento, e a conta não tem.',
    causes: [
      'A configuração do aplicativo autenticador expirou ou foi cancelada antes do primeiro código.',
      'O segundo fator já foi removido.',
      'A conta deve pedir uma chave de acesso em cada login, mas não tem nenhuma.',
      'Códigos de recuperação foram pedidos para uma conta sem segundo fator.',
    ],
    person: 'Recarregue a página dos seus segundos fatores e, se precisar de um, recomece a configuração.',
    developer:
      'Comece com `POST /me/second-factor/totp` e confirme o primeiro código a tempo. `GET /me/second-factor` mostra o que a conta tem.',
  },
  passkey_rejected: {
    happened: 'Não foi possível verificar a resposta da chave de acesso, por isso ninguém entrou.',
    causes: [
      'A chave foi removida da conta, mas o dispositivo ainda a oferece.',
      'O dispositivo não verificou a pessoa por PIN, impressão digital ou rosto.',
      'A resposta foi criada para outra origem, ou dentro de um frame de outro site.',
      'O contador de assinaturas voltou atrás, como acontece com uma chave de segurança copiada.',
    ],
    person: 'Tente de novo. Se não der certo, entre de outra forma e registre a chave de acesso novamente.',
    developer:
      'Passe `options` sem alterações a `navigator.credentials.get`, na origem de `PUBLIC_URL` ou em uma de `PASSKEY_ORIGINS`. Peça opções novas a cada tentativa.',
  },
  passkey_not_added: {
    happened: 'Não foi possível verificar ou guardar a chave de acesso nova. A conta continua com as mesmas chaves.',
    causes: [
      'A chave já está registrada aqui, talvez em outra conta.',
      'A conta já tem 50 chaves de acesso.',
      'O dispositivo não verificou a pessoa, ou a resposta foi criada em outra origem ou em um frame.',
    ],
    person: 'Use outro dispositivo ou outra chave de segurança, ou remova uma chave que não usa mais, e tente de novo.',
    developer:
      'Repasse `excludeCredentials` das opções sem alterações, para que o dispositivo não ofereça uma chave já registrada. Peça opções novas a cada tentativa.',
  },
  passkey_origins_not_configured: {
    happened: 'O documento que associa aplicativos ou sites a este host não tem nenhuma entrada, por isso não existe.',
    causes: [
      '`PASSKEY_ORIGINS` não está definida.',
      '`PASSKEY_ORIGINS` só tem entradas de outro tipo: por exemplo, sites, enquanto um aplicativo Android lê `assetlinks.json`.',
    ],
    person: 'Não é preciso fazer nada: este documento é para aplicativos. Você pode entrar pelo site.',
    developer:
      'Inclua o aplicativo em `PASSKEY_ORIGINS`: `android:apk-key-hash:…@package` para Android, `TEAM.bundle` para a Apple, `https://…` para outro site. Depois reinicie o serviço.',
  },
  passkey_not_found: {
    happened: 'A conta de quem fez a requisição não tem chave de acesso com este ID.',
    causes: [
      'A chave foi removida em outra aba ou em outro dispositivo.',
      'O ID é o da credencial. O ID da lista começa com `psk_`.',
      'A chave é de outra conta.',
    ],
    person: 'Recarregue a página. Se a chave não aparece mais, não há nada a fazer.',
    developer: 'Use o ID de `GET /me/passkeys`. Depois de uma remoção, trate o 404 como sucesso.',
  },
  ticket_invalid: {
    happened: 'O link, o código ou o tíquete não pode ser usado: ele é desconhecido aqui, já foi usado ou expirou.',
    causes: [
      'O link foi aberto duas vezes, ou um link mais novo o substituiu.',
      'Ele expirou. Um link para entrar vale dez minutos; um link para redefinir a senha, 30 minutos.',
      'Um link para trocar o e-mail vale uma hora; um link para verificá-lo, um dia.',
      'O código de um e-mail foi digitado em outro navegador ou aplicativo, e não naquele que o pediu.',
      'Um código errado foi digitado cinco vezes.',
      'A pessoa entrou em outra conta, e não na do link.',
    ],
    person: 'Peça uma mensagem nova e use o link ou código mais recente, no navegador em que você o pediu.',
    developer:
      'Não abra links automaticamente e envie cada tíquete uma única vez. Para chaves de acesso, peça opções novas; para um segundo fator, recomece o login.',
  },
  mail_not_configured: {
    happened: 'A requisição depende de um e-mail, e este serviço não tem servidor de e-mail.',
    causes: ['`SMTP_URL` não está definida. O serviço avisa no log ao iniciar.'],
    person:
      'Entre com a sua senha, uma chave de acesso ou um provedor. Se não conseguir, peça ajuda a quem opera o serviço.',
    developer:
      'Defina `SMTP_URL` e `MAIL_FROM`, reinicie e confira com `npm start -- doctor`. Enquanto isso, esconda as opções que dependem de e-mail.',
  },
  email_unverified: {
    happened: 'O e-mail da conta não foi verificado, e esta ação exige um e-mail verificado.',
    causes: [
      '`REQUIRE_VERIFIED_EMAIL` está ativada, e a pessoa não abriu o link desde o cadastro.',
      'A mensagem foi para a caixa de spam, ou o endereço foi digitado errado.',
      'Uma conta sem e-mail verificado quer convidar alguém para uma equipe.',
      'Outra conta já tem uma senha com o mesmo e-mail, e nenhuma das duas o verificou.',
    ],
    person: 'Abra o link da nossa mensagem. Se ela não chegou, veja a caixa de spam ou peça outra.',
    developer:
      'Depois de uma senha correta, o serviço envia outra mensagem. A pessoa digita a senha na página do link, ou o aplicativo envia o `ticket` do link como `email_ticket` a `POST /auth/token`.',
  },
  sign_in_overtaken: {
    happened: 'O login era válido quando começou, mas aquilo em que ele se baseava mudou antes do fim.',
    causes: [
      'A senha foi trocada, ou a chave de acesso removida, em outro dispositivo no mesmo momento.',
      'O mesmo tíquete de segundo fator foi concluído duas vezes, por exemplo com um clique duplo.',
      'O provedor foi desativado enquanto o login esperava pelo segundo fator.',
    ],
    person: 'Entre de novo com a senha atual, a chave de acesso ou um link novo.',
    developer: 'Comece o login do início: nenhum tíquete dele vale mais. Desative o botão depois do primeiro clique.',
  },
  too_many_attempts: {
    happened: 'Senhas ou códigos errados demais foram digitados. Até o fim da espera, nem o correto é verificado.',
    causes: [
      'Mais de cinco tentativas erradas para uma conta ou um e-mail. A espera começa em um segundo e dobra até 15 minutos.',
      'Mais de 250 tentativas erradas vindas de uma rede, por exemplo de um script que adivinha senhas.',
      'Um cliente repete automaticamente uma senha errada.',
      'Um back-end envia repetidamente o segredo errado de uma credencial de serviço.',
    ],
    person:
      'Espere o tempo indicado, ou entre por um provedor, com uma chave de acesso ou por um link enviado por e-mail: nesses casos não há espera.',
    developer:
      'Respeite `Retry-After` e deixe a pessoa digitar a senha de novo. Repetir uma senha guardada aumenta a espera. `RATE_LIMITS=off` não desativa este limite.',
  },
  insufficient_scope: {
    happened:
      'Quem fez a requisição é conhecido, mas não tem a permissão que a rota exige. Ela está em `scope` de `WWW-Authenticate`.',
    causes: [
      'A conta não tem o papel que inclui a permissão.',
      'O papel foi dado depois do login, e o cliente ainda usa um token mais antigo.',
      'A credencial de serviço foi criada sem essa permissão.',
    ],
    person: 'Peça o papel necessário a quem administra o serviço e entre de novo.',
    developer:
      'Compare os escopos do token com os da rota na referência da API. Crie uma credencial de serviço com a permissão certa: não é possível adicioná-la depois.',
  },
  invalid_client: {
    happened:
      'Um back-end não comprovou qual é a sua credencial de serviço, ou um aplicativo não comprovou qual aplicativo é.',
    causes: [
      'O ID ou o segredo falta, está errado ou é de outro ambiente.',
      'O segredo foi trocado, e o prazo em que o anterior ainda é aceito terminou.',
      'A credencial foi revogada, ou o aplicativo foi desativado ou excluído.',
      'O aplicativo se autentica de outra forma que a do seu `client_auth`, por exemplo com o segredo no formulário.',
      'A requisição não tem o cabeçalho `Authorization`, ou um proxy o remove.',
    ],
    person: 'Esta é uma requisição entre programas. Avise quem opera o aplicativo que você usa.',
    developer:
      'Envie o ID e o segredo por HTTP Basic, ou como o token `<id>.<secret>`. Um aplicativo se autentica como foi registrado. O evento `service_credential.refused` indica a credencial, e `application.refused` o aplicativo, se o ID for conhecido. Depois de algumas tentativas erradas, a rede recebe 429.',
  },

  // Administration
  account_not_found: {
    happened: 'Nenhuma conta tem o ID que está na URL.',
    causes: [
      'A conta foi excluída pela própria pessoa ou por quem administra o serviço.',
      'O ID está incompleto ou é de outra instalação.',
    ],
    person: 'Procure a conta pelo nome ou pelo e-mail na lista de contas.',
    developer:
      'Use o ID de `GET /users`: ele começa com `usr_`. A auditoria guarda o evento `account.deleted` desse ID.',
  },
  last_administrator: {
    happened: 'A alteração deixaria o serviço sem administrador(a) ativo(a), por isso nada foi alterado.',
    causes: [
      'A única conta administradora seria excluída, desativada ou receberia outro papel.',
      'As outras contas administradoras estão desativadas, e essas não contam.',
    ],
    person: 'Dê antes o papel de administrador(a) a outra conta e repita a alteração.',
    developer:
      'Envie `PUT /users/:id` com `"role": "administrator"` para outra conta. No servidor, `npm start -- make-admin` faz o mesmo.',
  },
  own_role: {
    happened: 'Alguém que administra o serviço tentou alterar o papel da própria conta. O papel continua o mesmo.',
    causes: [
      'O formulário ou a requisição era para a própria conta.',
      'A pessoa quer deixar de administrar o serviço.',
    ],
    person: 'Peça a outro(a) administrador(a) que altere o seu papel.',
    developer: 'Compare o ID com o de `GET /me` e não ofereça a troca de papel da própria conta.',
  },
  own_second_factor: {
    happened: 'Alguém tentou remover o próprio segundo fator com a função que serve para outras contas.',
    causes: [
      'A própria conta foi aberta nas páginas de administração.',
      'A pessoa que administra perdeu o dispositivo.',
    ],
    person: 'Remova o segundo fator na página da sua conta. Se perdeu o dispositivo, peça a outro(a) administrador(a).',
    developer:
      'Para a própria conta, use `DELETE /me/second-factor/totp` ou `DELETE /me/second-factor`, que exigem um login recente.',
  },
  address_needed: {
    happened: 'A ação precisa de uma conta ativa com e-mail verificado.',
    causes: [
      'Um link de redefinição de senha seria enviado a uma conta sem e-mail ou com e-mail não verificado.',
      'A conta está desativada, e por isso não recebe o link.',
      'Uma conta sem e-mail verificado receberia o papel de administrador(a).',
    ],
    person: 'Peça à pessoa que verifique o e-mail na página da conta dela e tente de novo.',
    developer: 'Confira `email_verified` e `disabled_at` em `GET /users/:id` antes de oferecer a ação.',
  },
  email_taken: {
    happened: 'Uma pessoa seria adicionada com um e-mail que outra conta já tem.',
    causes: [
      'Uma conta já verificou este e-mail.',
      'A pessoa já foi convidada e ainda não aceitou o convite.',
      'Outro administrador adicionou a pessoa ao mesmo tempo.',
    ],
    person: 'Procure o e-mail na lista de contas. Se o convite ainda estiver em aberto, envie-o de novo.',
    developer:
      'Pesquise com `GET /users` e `search` antes de adicionar uma pessoa. Um e-mail não verificado de uma conta que alguém registrou não causa este erro.',
  },
  not_invited: {
    happened: 'Um convite seria reenviado ou cancelado, mas a conta não tem convite em aberto.',
    causes: [
      'A pessoa aceitou o convite: o e-mail agora está verificado.',
      'A pessoa criou a conta sem convite.',
      'A conta está desativada, e por isso não recebe convite.',
    ],
    person:
      'Recarregue a página da conta. Use “Excluir” para uma conta em uso, e envie uma redefinição de senha para ajudar a pessoa a entrar.',
    developer: 'Consulte `invited_at` em `GET /users/:id`: é null depois que a pessoa aceita.',
  },
  service_credential_not_found: {
    happened: 'Nenhuma credencial de serviço ativa tem o ID que está na URL.',
    causes: [
      'A credencial foi revogada: depois disso não é possível trocar o segredo nem revogar de novo.',
      'O ID é de outra instalação.',
    ],
    person: 'Recarregue a lista de credenciais de serviço. Se o programa ainda precisa de acesso, crie outra.',
    developer:
      'Use o ID de `GET /service-credentials`. Uma automação que troca segredos deve parar neste erro e avisar.',
  },
  provider_not_editable: {
    happened: 'O provedor está configurado no ambiente do serviço e não pode ser alterado em execução.',
    causes: ['O provedor foi configurado com variáveis de ambiente, como `GOOGLE_CLIENT_ID`.'],
    person: 'Peça a quem opera o serviço que altere as variáveis de ambiente do provedor.',
    developer:
      'Consulte antes o `source` em `GET /providers`: só os provedores com `database` podem ser alterados. Para administrar o provedor aqui, remova as variáveis, reinicie e adicione-o com `POST /providers`.',
  },
  provider_exists: {
    happened: 'Um provedor já tem este ID, no ambiente ou entre os adicionados em execução.',
    causes: [
      'O provedor já foi adicionado antes.',
      'O ambiente configura um provedor com este ID.',
      'Um provedor excluído com este ID ainda está revogando permissões.',
    ],
    person: 'Escolha outro ID ou edite o provedor existente.',
    developer:
      'Para alterá-lo, use `PATCH /providers/:id`. O ID de um provedor excluído fica livre quando a última permissão é revogada.',
  },
  provider_changed: {
    happened:
      'O `revision` da requisição não é o atual, ou o rascunho foi substituído enquanto entrava em uso. Nada foi alterado.',
    causes: ['Outra pessoa que administra o serviço salvou uma alteração.', 'A página ficou aberta por muito tempo.'],
    person: 'Recarregue a página, compare e refaça a alteração.',
    developer:
      'Leia o provedor de novo, combine as alterações e envie o novo `revision`. Sem `revision`, a alteração vale para o que estiver gravado.',
  },
  provider_secret_required: {
    happened:
      'Um issuer ou endpoint foi alterado sem o client secret. Um segredo gravado nunca é enviado a um novo endereço.',
    causes: ['O issuer ou um endpoint mudou, e o campo do segredo ficou vazio.'],
    person: 'Copie o client secret do console do provedor e salve de novo.',
    developer:
      'Envie todas as configurações secretas do provedor no mesmo `PATCH`. Do contrário, alguém poderia ler um segredo gravado apontando um endpoint para o próprio servidor.',
  },
  provider_not_tried: {
    happened: 'Um rascunho só entra em uso depois que quem o escreveu entrou com ele. Nada foi alterado.',
    causes: ['O rascunho foi salvo e não foi testado.', 'O rascunho foi alterado depois do teste.'],
    person: 'Escolha “Testar” na página do provedor e entre lá com a sua própria conta.',
    developer:
      'Comece com `POST /providers/:id/try`. Uma automação que não pode entrar envia `force: true`, o que fica registrado na auditoria.',
  },
  provider_discovery_failed: {
    happened:
      'O serviço pediu o documento de descoberta do issuer e não recebeu um válido. Os logins não funcionariam, por isso o rascunho não entrou em uso.',
    causes: [
      'O issuer tem um erro de digitação ou falta a barra no final.',
      'O provedor está fora do ar, ou um firewall bloqueia a requisição.',
      'O documento indica outro issuer.',
    ],
    person: 'Confira o issuer no console do provedor e depois faça a verificação na página do provedor.',
    developer: '`POST /providers/:id/check` mostra o que falhou. `force` não dispensa essa verificação.',
  },
  provider_version_not_found: {
    happened: 'A versão não existe. O serviço guarda a versão em uso, o rascunho e as versões anteriores mais novas.',
    causes: ['A versão é mais antiga que as guardadas.', 'Era um rascunho substituído antes de entrar em uso.'],
    person: 'Recarregue o histórico e escolha uma das versões.',
    developer: 'Use um `version` de `GET /providers/:id/versions`.',
  },
  provider_trial_not_found: {
    happened: 'Não há resultado de um teste seu deste rascunho.',
    causes: [
      'O rascunho foi alterado depois do teste.',
      'O resultado tem mais de uma hora.',
      'Outra pessoa fez o teste: cada uma vê só o próprio resultado.',
    ],
    person: 'Teste o rascunho de novo.',
    developer: 'Comece com `POST /providers/:id/try`, leve a pessoa a `authorize_url` e leia o resultado depois.',
  },
  too_many_providers: {
    happened: 'O serviço tem 100 provedores adicionados em execução, que é o limite, por isso nenhum foi adicionado.',
    causes: ['Uma automação adiciona um provedor por cliente ou por implantação.'],
    person: 'Exclua provedores que não são mais usados. Os desativados também contam.',
    developer: 'Use um provedor com `TENANTS` para muitos tenants de um issuer. Exclua com `DELETE /providers/:id`.',
  },

  // Applications that sign people in
  application_not_found: {
    happened: 'Nenhum aplicativo registrado tem o ID da URL.',
    causes: ['O aplicativo foi excluído.', 'O ID é de outra instalação.'],
    person: 'Recarregue a lista de aplicativos.',
    developer:
      'Use o ID de `GET /applications`. Um cliente cujo aplicativo foi excluído recebe `invalid_client` no endpoint de tokens.',
  },
  application_has_no_secret: {
    happened: 'Foi pedido um segredo para um aplicativo que se autentica sem segredo.',
    causes: [
      'O aplicativo é do tipo `browser` ou `native`: seus usuários conseguem ler o código, e um segredo nele seria público.',
    ],
    person: 'Crie um aplicativo de servidor, se o programa roda em um servidor.',
    developer:
      'Aplicativos sem segredo usam PKCE. Leia `client_auth` do aplicativo antes de oferecer a troca do segredo.',
  },
  too_many_applications: {
    happened: 'O serviço tem 500 aplicativos, que é o limite, e nenhum foi criado.',
    causes: ['Uma automação cria um aplicativo a cada implantação e nunca o exclui.'],
    person: 'Exclua aplicativos que não são mais usados e tente de novo.',
    developer:
      'Registre um só aplicativo para todas as implantações de um programa, com várias URIs de redirecionamento. `last_used_at` mostra quais não são usados.',
  },
  registration_not_offered: {
    happened: 'Um programa chamou `/oauth/register`, e este serviço não deixa aplicativos se registrarem sozinhos.',
    causes: ['`APPLICATIONS_REGISTRATION` é `off`, que é o padrão.'],
    person: 'Peça a quem administra o serviço que registre o aplicativo.',
    developer:
      'Leia `registration_endpoint` nos metadados antes de registrar: aqui ele não existe. Quem opera o serviço pode definir `APPLICATIONS_REGISTRATION` como `token` ou `open`.',
  },
  registration_token_invalid: {
    happened: 'O pedido a `/oauth/register` não tinha um token que o permitisse, e nada foi alterado.',
    causes: [
      'Falta o cabeçalho `Authorization: Bearer`, e o registro anônimo não é permitido.',
      'O token de acesso inicial expirou, foi revogado ou não tem mais usos.',
      'O `registration_access_token` é de outro aplicativo, ou o aplicativo foi excluído ou desativado.',
    ],
    person: 'Peça um token de acesso inicial a quem administra o serviço.',
    developer:
      'Envie o token de acesso inicial a `/oauth/register` e o `registration_access_token` a `registration_client_uri`. Um ID errado e um token errado recebem a mesma resposta.',
  },
  redirect_uri_invalid: {
    happened: 'Uma URI de redirecionamento nos metadados de um aplicativo foi recusada, e nada foi registrado.',
    causes: [
      'Ela tem um curinga, um fragmento ou um nome de usuário.',
      'Ela usa `http` simples em um host que não é um endereço de loopback.',
      'Ela tem um esquema privado, e o aplicativo não é nativo, ou o esquema não contém um domínio.',
      'Ela tem um esquema que o próprio navegador executa, como `javascript:`.',
    ],
    person: 'Avise quem desenvolve o aplicativo.',
    developer: 'Leia `errors`: lá estão cada URI e o motivo. Envie `application_type: native` para um esquema privado.',
  },
  client_metadata_invalid: {
    happened: 'Um membro dos metadados de um aplicativo foi recusado, e nada foi registrado.',
    causes: [
      'O membro tem o tipo errado ou é longo demais.',
      'Falta `authorization_code` em `grant_types`, ou `code` em `response_types`.',
      'Um pedido que substitui um registro traz outro `client_id`, ou mudaria o tipo do aplicativo.',
      'Uma chave em `jwks` é privada, simétrica ou curta demais.',
    ],
    person: 'Diga a quem desenvolve o aplicativo qual membro foi recusado.',
    developer: 'Leia `errors`: lá estão cada membro e o motivo. Membros desconhecidos são ignorados.',
  },
  registration_token_not_found: {
    happened: 'Nenhum token de acesso inicial tem o ID da URL.',
    causes: ['Ele foi revogado.', 'Ele expirou há mais de um dia e foi excluído.'],
    person: 'Recarregue a lista.',
    developer: 'Use o ID de `GET /registration-tokens`, nunca o texto do token.',
  },
  too_many_registration_tokens: {
    happened: 'O serviço tem 100 tokens de acesso inicial, que é o limite, e nenhum foi criado.',
    causes: ['Uma automação cria um token a cada execução e nunca o usa.'],
    person: 'Revogue tokens que não são mais necessários e tente de novo.',
    developer: 'Crie um token com vários usos. Os expirados são excluídos depois de um dia.',
  },
  application_not_allowed: {
    happened: 'O token de acesso é de um aplicativo, e a rota é só para a pessoa.',
    causes: [
      'Um aplicativo chamou, com o token dele, uma rota além de `GET /me` e `/oauth/userinfo`.',
      'Falta ao token um escopo que a rota exige de aplicativos.',
    ],
    person: 'Faça isto nas páginas deste serviço.',
    developer:
      'Um aplicativo lê `/oauth/userinfo` e `GET /me`. Para a sua própria API, registre um recurso e peça um token para ele.',
  },
  authorization_request_invalid: {
    happened: 'O pedido a `/oauth/authorize` foi recusado, e não era seguro devolver o navegador ao aplicativo.',
    causes: [
      '`invalid_redirect_uri`: a URI de redirecionamento não está registrada exatamente como foi enviada, letra por letra.',
      '`invalid_client`: nenhum aplicativo tem este `client_id`.',
      '`invalid_request`: um parâmetro falta, está repetido ou malformado.',
    ],
    person: 'Volte ao aplicativo e tente de novo. Se acontecer outra vez, avise quem opera o aplicativo.',
    developer:
      'Compare o pedido com o registro do aplicativo. Erros que podem ser devolvidos com segurança chegam à URI de redirecionamento em `error`.',
  },
  authorization_request_expired: {
    happened: 'A página é de um pedido de aplicativo que não existe mais, ou de outro navegador.',
    causes: [
      'O pedido tem mais de uma hora.',
      'Ele já foi respondido, por exemplo em outra aba.',
      'A página foi aberta em outro navegador, e não no que o aplicativo usou.',
    ],
    person: 'Volte ao aplicativo e entre de novo.',
    developer: 'Comece um novo pedido de autorização. Um pedido pertence ao navegador que o enviou.',
  },
  grant_invalid: {
    happened: 'O endpoint de tokens recusou o código ou o token de renovação.',
    causes: [
      'O código tem mais de um minuto ou já foi usado.',
      'A pessoa saiu, ou a sessão terminou por outro motivo.',
      'Um token de renovação antigo foi usado de novo fora do prazo, e os logins do aplicativo naquele dispositivo terminaram.',
      '`redirect_uri` ou `code_verifier` difere do pedido de autorização.',
    ],
    person: 'Entre de novo no aplicativo.',
    developer:
      'Comece um novo pedido de autorização. Guarde o token de renovação novo de cada resposta. O registro de auditoria mostra por que uma sessão terminou.',
  },
  client_not_allowed: {
    happened: 'O aplicativo pediu tokens com um `grant_type` que aplicativos do seu tipo não podem usar.',
    causes: [
      'Um aplicativo em que pessoas entram usou `client_credentials`.',
      'Um aplicativo de navegador, de servidor ou de máquina usou o fluxo de dispositivos.',
    ],
    person: 'Avise quem opera o aplicativo que esta forma de obter tokens não é permitida.',
    developer: 'Registre um aplicativo separado do tipo `machine` para chamadas sem uma pessoa.',
  },
  device_pending: {
    happened: 'O dispositivo pediu tokens antes de a pessoa permitir ou recusar o login.',
    causes: ['A pessoa ainda está entrando.', 'A pessoa fechou a página.'],
    person: 'Abra o endereço que o dispositivo mostra e digite o código.',
    developer: 'Continue perguntando no intervalo indicado até o código expirar.',
  },
  device_too_soon: {
    happened: 'O dispositivo pediu tokens de novo antes do fim do intervalo.',
    causes: ['O dispositivo ignora `interval`.', 'Vários programas usam o mesmo código de dispositivo.'],
    person: 'Nada: o dispositivo pergunta de novo sozinho.',
    developer: 'Some cinco segundos ao intervalo a cada vez (RFC 8628).',
  },
  device_refused: {
    happened: 'A pessoa que digitou o código do dispositivo não permitiu o login.',
    causes: ['A pessoa não iniciou o login.', 'A pessoa não conhece o aplicativo.'],
    person: 'Comece de novo no dispositivo se quiser entrar.',
    developer: 'Informe que o login foi recusado e pare de perguntar.',
  },
  device_code_expired: {
    happened: 'O código do dispositivo expirou antes de a pessoa digitá-lo.',
    causes: ['Um código vale por dez minutos.'],
    person: 'Comece de novo no dispositivo.',
    developer: 'Peça um código novo quando a pessoa quiser tentar outra vez.',
  },
  dpop_proof_invalid: {
    happened: 'O pedido de token não tem uma prova válida da chave à qual os tokens estão vinculados (RFC 9449).',
    causes: [
      'A prova já foi enviada: cada `jti` é aceito uma vez.',
      'O relógio do aplicativo tem mais de cinco minutos de diferença.',
      '`htm` ou `htu` indica outro pedido.',
      'O aplicativo precisa usar DPoP, ou o token de renovação está vinculado a outra chave.',
    ],
    person: 'Avise quem opera o aplicativo que a prova foi recusada.',
    developer:
      'Assine uma prova nova a cada pedido, com a mesma chave. Algoritmos: `dpop_signing_alg_values_supported`.',
  },
  dpop_proof_required: {
    happened: 'Um token de acesso vinculado a uma chave foi enviado sem uma prova válida dessa chave (RFC 9449).',
    causes: [
      'O token foi enviado com `Bearer` em vez de `DPoP`.',
      'A prova não tem `ath`, já foi enviada, ou é de outra URL ou de outro método.',
    ],
    person: 'Avise quem opera o aplicativo que a chave não foi provada.',
    developer: 'Envie `Authorization: DPoP` e o cabeçalho `DPoP` com uma prova nova que contenha `ath`.',
  },
  dpop_nonce_invalid: {
    happened: 'O serviço exige um nonce seu em cada prova DPoP, e esta prova não tem um que valha agora.',
    causes: [
      'É o primeiro pedido: o nonce vem com esta resposta.',
      'O nonce tem mais de alguns minutos ou é de outro servidor.',
    ],
    person: 'Não é preciso fazer nada: o aplicativo repete o pedido de token sozinho.',
    developer:
      'Coloque o valor do cabeçalho `DPoP-Nonce` na claim `nonce` de uma prova nova e repita o pedido. Guarde o último valor para a próxima prova. Bibliotecas como `openid-client` fazem isso.',
  },
  dpop_nonce_required: {
    happened:
      'O token de acesso é válido, mas a prova DPoP não tem um nonce que valha agora. O serviço exige um (RFC 9449 §9).',
    causes: ['É o primeiro pedido com este token.', 'O nonce tem mais de alguns minutos.'],
    person: 'Não é preciso fazer nada: o aplicativo repete o pedido sozinho.',
    developer:
      'Coloque o valor do cabeçalho `DPoP-Nonce` na claim `nonce` de uma prova nova e repita o pedido com o mesmo token.',
  },
  request_object_invalid: {
    happened: 'O parâmetro `request` não é um pedido assinado por este aplicativo (RFC 9101).',
    causes: [
      'A assinatura não confere com as chaves registradas.',
      'O algoritmo é `none` ou simétrico.',
      '`iss` não é o ID do aplicativo, `aud` não é o emissor, ou o pedido assinado expirou.',
    ],
    person: 'Avise quem opera o aplicativo que o pedido assinado foi recusado.',
    developer: 'Compare as chaves em `jwks` ou `jwks_uri` com a chave que assina. Verifique `iss`, `aud` e `exp`.',
  },
  scope_invalid: {
    happened: 'O pedido indica um escopo que o aplicativo ou este login não tem.',
    causes: ['O escopo não está registrado para o aplicativo.', 'Uma renovação pediu mais do que o login concedeu.'],
    person: 'Avise quem opera o aplicativo.',
    developer: 'Registre o escopo, ou peça menos. Os escopos de um recurso precisam de `resource` no pedido.',
  },
  resource_invalid: {
    happened:
      'O pedido indica um recurso (RFC 8707) que o aplicativo ou este login não tem, ou precisa indicar um entre vários.',
    causes: [
      'O recurso não está registrado para o aplicativo.',
      'O login foi para vários recursos, e o pedido de token não indica nenhum.',
    ],
    person: 'Avise quem opera o aplicativo, dizendo em que página você estava.',
    developer: 'Registre o recurso, envie-o no pedido de autorização e indique exatamente um em cada pedido de token.',
  },
  response_type_unsupported: {
    happened: 'O pedido de autorização enviado antes indica um `response_type` diferente de `code`.',
    causes: ['A biblioteca está configurada para o fluxo implícito ou híbrido, que a RFC 9700 desaconselha.'],
    person: 'Avise quem opera o aplicativo que ele não consegue iniciar o login.',
    developer: 'Configure a biblioteca para o fluxo de código de autorização com PKCE: `response_type=code`.',
  },

  // Sign-in with a provider
  provider_not_found: {
    happened: 'A URL indica um provedor que este serviço não oferece.',
    causes: [
      'O provedor não está em `OAUTH_ENABLED_PROVIDERS`, ou faltam o ID e o segredo do cliente.',
      'O ID foi digitado errado: os IDs são em minúsculas, como `google`.',
      'Quem opera o serviço removeu o provedor, e um favorito ou uma conta ainda se refere a ele.',
    ],
    person: 'Abra a página de login e escolha um dos provedores que ela mostra.',
    developer:
      'Consulte os provedores em `GET /auth/providers`. `npm start -- doctor` aponta os que estão incompletos.',
  },
  provider_unavailable: {
    happened: 'O provedor não respondeu a tempo, ou respondeu com um erro de servidor. A requisição pode ser repetida.',
    causes: [
      'O provedor está fora do ar. Depois de várias falhas, um disjuntor suspende as chamadas por um tempo.',
      'O servidor não alcança o provedor: firewall, DNS ou `HTTPS_PROXY`.',
      'O prazo em `OAUTH_HTTP_TIMEOUT_MS` é curto demais para o provedor.',
      'O provedor devolveu `temporarily_unavailable` ou `server_error` no retorno.',
      'Um login foi vinculado por um emissor que o provedor não tem mais aqui.',
    ],
    person: 'Espere um pouco e tente de novo. Enquanto isso, você pode entrar de outra forma.',
    developer:
      'Respeite `Retry-After` e repita a requisição uma vez. `GET /health/providers` mostra os disjuntores, e `provider.call_failed`, o motivo.',
  },
  access_denied: {
    happened: 'A pessoa, ou a organização dona da conta, não deu a autorização no provedor.',
    causes: [
      'A pessoa escolheu "Cancelar" na página do provedor.',
      'Alguém que administra a organização precisa aprovar o aplicativo antes.',
      'As permissões pedidas pareceram excessivas.',
    ],
    person: 'Comece de novo e aceite no provedor, ou entre de outra forma.',
    developer:
      'Trate isto como uma escolha, não como uma falha: volte à página de login. No login, peça poucos escopos; peça os outros quando forem necessários.',
  },
  invalid_state: {
    happened: 'O retorno não tem um `state` emitido por este serviço, por isso não pertence a nenhum login.',
    causes: [
      'A URL de retorno foi aberta diretamente, pelos favoritos ou pelo histórico.',
      'O login é tão antigo que já foi apagado.',
      'Um aplicativo envia outro `state` que não o do redirecionamento, ou nenhum.',
      'Outra pessoa criou o link, para que visitantes entrem em uma conta escolhida por ela.',
    ],
    person: 'Abra a página de login e comece de novo. Não use um link salvo do meio de um login.',
    developer:
      'Envie `state` exatamente como a URI de redirecionamento o recebeu. Proxies não podem alterar os parâmetros do retorno.',
  },
  state_expired: {
    happened: 'A pessoa voltou do provedor depois que o login tinha expirado.',
    causes: [
      'O login levou mais do que `OAUTH_STATE_TTL_SECONDS`: cinco minutos, por padrão.',
      'A página do provedor ficou aberta em uma aba.',
      'Criar uma conta ou um segundo fator no provedor demorou.',
    ],
    person: 'Comece o login de novo. Agora é mais rápido, porque você já entrou no provedor.',
    developer:
      'Inicie outro login: o `code` não foi usado. Se as pessoas precisam de mais tempo, aumente `OAUTH_STATE_TTL_SECONDS`.',
  },
  state_already_used: {
    happened: 'Este login já foi concluído ou terminou em erro. Cada um vale uma única vez.',
    causes: [
      'A página de retorno foi recarregada, ou aberta de novo com o botão Voltar.',
      'O aplicativo enviou o retorno duas vezes, por exemplo depois de um tempo esgotado.',
      'Uma extensão do navegador ou um verificador de segurança abriu a URL antes.',
    ],
    person: 'Talvez você já tenha entrado: abra a página da sua conta. Se não, comece de novo.',
    developer: 'Envie o retorno uma vez, sem repetição automática. Se a resposta se perdeu, inicie outro login.',
  },
  flow_mismatch: {
    happened:
      'O login existe, mas não é do navegador, da conta ou da finalidade com que voltou. Nenhum código foi usado.',
    causes: [
      'A pessoa começou em um navegador e voltou em outro, ou os cookies foram excluídos.',
      'O serviço foi aberto em outro host que não o de `PUBLIC_URL`, e o cookie não foi enviado.',
      'Durante a vinculação, a pessoa saiu da conta ou entrou em outra.',
      'Um aplicativo enviou o `flow_token` de outra tentativa, ou nenhum token de acesso para concluir a vinculação.',
      'O `iss` do retorno indica outro provedor, ou o provedor foi reconfigurado durante o login.',
    ],
    person: 'Comece de novo aqui, em uma única janela do navegador, e termine nela.',
    developer:
      'Guarde `flow_token` junto com o seu `state` e envie ao retorno o mesmo token de acesso que iniciou a vinculação. Confira se o proxy repassa os cookies.',
  },
  token_exchange_failed: {
    happened: 'O provedor se recusou a trocar o código por tokens, ou não foi possível verificar o id_token dele.',
    causes: [
      'O segredo do cliente está errado ou expirou: `provider.call_refused` mostra `invalid_client`; no GitHub, `incorrect_client_credentials`; na Atlassian, `access_denied`.',
      'O código expirou ou já tinha sido usado: `invalid_grant`.',
      'A URI de redirecionamento no provedor é diferente da que está aqui.',
      'O emissor, o público, o nonce, a assinatura ou a hora do id_token está errada: `provider.call_failed` diz qual.',
      'No Jira: o provedor não devolveu um token de renovação.',
    ],
    person: 'Comece de novo. Se acontecer outra vez, diga a quem opera o serviço qual provedor você usou.',
    developer:
      'Procure `provider.call_refused` ou `provider.call_failed` do provedor no mesmo horário (essas linhas não têm ID de requisição). `npm start -- doctor` confere o ID e o segredo do cliente.',
  },
  user_info_fetch_failed: {
    happened: 'O provedor emitiu tokens, mas não devolveu um perfil utilizável.',
    causes: [
      'O aplicativo no provedor não tem o escopo ou a permissão para ler o perfil.',
      'O perfil não tem ID, ou não é o JSON que o adaptador espera.',
      'O perfil é de outro titular que não o do id_token.',
      'Um provedor genérico está com o endereço de userinfo errado.',
    ],
    person: 'Tente de novo. Se acontecer outra vez, entre de outra forma e avise quem opera o serviço.',
    developer:
      'Procure `provider.call_refused` ou `provider.call_failed` com `endpoint_type` `userinfo`. Confira os escopos do provedor e a URL de userinfo.',
  },
  app_sign_in_not_configured: {
    happened: 'Um aplicativo enviou um ID token, mas este provedor não tem client ID de aplicativo configurado.',
    causes: [
      'A configuração `<PROVIDER>_APP_CLIENT_IDS` não está definida.',
      'O provedor é de um tipo sem bibliotecas para aplicativos nativos, como o GitHub.',
      'O endpoint de tokens foi substituído, e não há chaves para verificar assinaturas.',
    ],
    person: 'Entre por um navegador ou de outra forma.',
    developer:
      'Defina `<PROVIDER>_APP_CLIENT_IDS` com os client IDs dos seus aplicativos e reinicie, ou use `POST /auth/:provider/authorize` no aplicativo.',
  },
  id_token_rejected: {
    happened:
      'Um ID token de um aplicativo não foi aceito. O membro `reason` indica a primeira verificação que falhou.',
    causes: [
      '`aud` ou `azp`: o client ID não está em `<PROVIDER>_APP_CLIENT_IDS`. No Android, inclua o client ID do servidor e o do aplicativo.',
      '`nonce`: o aplicativo enviou um nonce diferente do que passou à biblioteca, ou não passou nenhum.',
      '`age` ou `exp`: o ID token foi emitido há mais de dez minutos. Bibliotecas podem devolver um guardado.',
      '`iat` ou `nbf`: o ID token é do futuro, ou seja, algum relógio está errado.',
      '`iss`, `signature`, `unknown_key` ou `alg`: o ID token é de outro emissor ou foi alterado.',
    ],
    person: 'Comece o login no aplicativo de novo. Se falhar outra vez, avise quem desenvolve o aplicativo.',
    developer:
      'Peça um novo ID token com um novo nonce a cada login e envie o nonce original com ele. Confira os client IDs do aplicativo.',
  },
  id_token_already_used: {
    happened: 'O ID token era válido, mas já tinha sido usado para entrar. Cada um vale uma única vez.',
    causes: [
      'O aplicativo repetiu a requisição, por exemplo depois de um tempo esgotado.',
      'A biblioteca devolveu um ID token guardado.',
      'Alguém copiou o ID token e o usou antes.',
    ],
    person: 'Comece o login no aplicativo de novo.',
    developer: 'Peça um novo ID token com um novo nonce a cada login. Não repita a requisição automaticamente.',
  },
  account_linking_failed: {
    happened: 'A conta ou o login vinculado mudou enquanto o provedor era consultado, por isso nada foi vinculado.',
    causes: [
      'A conta foi excluída, ou o login desvinculado, em outra aba.',
      'Vários logins da mesma pessoa nova terminaram ao mesmo tempo.',
      'A pessoa saiu da sessão em que a vinculação começou.',
    ],
    person: 'Tente de novo na página da sua conta, em uma única aba.',
    developer:
      'Inicie outro login ou outra vinculação: o anterior não vale mais. Não inicie vários em paralelo para a mesma pessoa.',
  },
  identity_already_linked: {
    happened: 'Este login do provedor está vinculado a outra conta daqui. Cada login pertence a uma única conta.',
    causes: [
      'A pessoa tem duas contas aqui e já entrou por este provedor.',
      'A pessoa está, no provedor, na conta de alguém que também usa este serviço.',
    ],
    person:
      'Entre por este provedor. Na conta que abrir, desvincule-o ou continue com ela. Depois, vincule-o à outra conta.',
    developer:
      'Mostre as duas opções: continuar com a outra conta ou desvincular nela primeiro. O serviço não une contas.',
  },
  another_identity: {
    happened: 'Mais permissões foram pedidas para um login, e a pessoa voltou com outro.',
    causes: [
      'A pessoa usa várias contas no provedor e escolheu outra.',
      'A sessão do provedor no navegador é compartilhada com outra pessoa.',
    ],
    person: 'Comece de novo e escolha no provedor a mesma conta que a página da sua conta mostra.',
    developer: 'Mostre o nome e o e-mail do login vinculado antes de enviar a pessoa ao provedor.',
  },
  account_conflict: {
    happened: 'Outra conta tem o mesmo e-mail, e nada comprova ainda que as duas são da mesma pessoa.',
    causes: [
      'A pessoa já tem uma conta, criada com senha ou por outro provedor.',
      'O provedor não verifica e-mails, ou `<PROVIDER>_EMAIL_TRUST` é `never`.',
      'A conta existente não verificou o e-mail.',
      'A conta existente é de alguém que administra o serviço: essas nunca são vinculadas automaticamente.',
    ],
    person: 'Se a conta é sua, entre nela para vincular o provedor. Se não é, continue com uma conta separada.',
    developer:
      'Consulte a pergunta em `GET /auth/conflicts/<ticket>` e responda com `POST`. O `conflict_ticket` vale dez minutos. No navegador, o serviço mostra uma página.',
  },
  conflict_not_found: {
    happened: 'A pergunta sobre de quem é a conta não pode mais ser respondida, ou não pode ser respondida daqui.',
    causes: [
      'A pergunta tem mais de dez minutos, ou já foi respondida.',
      'Ela foi aberta em outro navegador: está presa ao cookie ou ao `flow_token` do login.',
      'A pessoa seguiu o link de um e-mail em outro navegador.',
    ],
    person: 'Volte ao navegador em que você começou. Se a pergunta sumiu, entre de novo.',
    developer: 'Envie o `flow_token` do login que causou a pergunta, no cabeçalho `Flow-Token` ou no corpo.',
  },
  proof_required: {
    happened: 'A vinculação à conta existente exige um login recente nessa conta, e não houve nenhum.',
    causes: [
      'A requisição não tem token de acesso, ou tem o de outra conta.',
      'O login é mais antigo que `RECENT_AUTH_SECONDS`: dez minutos, por padrão.',
      'A conta existente não tem mais o e-mail da pergunta.',
    ],
    person: 'Entre na conta existente de uma das formas que ela já tem e depois escolha vincular.',
    developer:
      'Ofereça os `methods` de `GET /auth/conflicts/<ticket>`. Depois do login, envie `{"action": "link"}` de novo, com o novo token de acesso e o primeiro `flow_token`.',
  },
  user_creation_disabled: {
    happened: 'O login criaria uma conta, e este serviço não cria contas por conta própria.',
    causes: [
      '`OAUTH_AUTO_REGISTER_NEW_USERS` é `false`.',
      'A pessoa já tem uma conta aqui, mas entrou por um provedor que não está vinculado a ela.',
    ],
    person:
      'Se você tem uma conta, entre como antes e vincule o provedor na página dela. Se não tem, peça acesso a quem administra o serviço.',
    developer: 'Esconda o cadastro. Para reabri-lo, defina `OAUTH_AUTO_REGISTER_NEW_USERS=true` e reinicie o serviço.',
  },
  sign_in_restricted: {
    happened: 'A conta usada no provedor não está entre as que este serviço permite.',
    causes: [
      'A pessoa escolheu uma conta particular em vez da conta da organização.',
      'O domínio da conta não está em `GOOGLE_HOSTED_DOMAINS` nem em `<PROVIDER>_EMAIL_DOMAINS`.',
      'A pessoa não é membro ativo de nenhuma organização de `GITHUB_ORGANIZATIONS`.',
      'O tenant da conta não está entre os do provedor.',
    ],
    person: 'Comece de novo e escolha no provedor a sua conta de trabalho, ou peça acesso a quem administra o serviço.',
    developer: 'Compare as configurações do provedor com a conta. Nada foi criado nem vinculado.',
  },
  organization_access_needed: {
    happened: 'O provedor não informa se a pessoa pertence a uma organização permitida.',
    causes: [
      'Nenhum proprietário da organização aprovou o aplicativo (acesso de terceiros).',
      'A organização exige uma sessão SAML, e a pessoa não tem uma.',
      'Um GitHub App não está instalado na organização, ou não tem a permissão "Members: read".',
      'A pessoa não autorizou o escopo que mostra as organizações dela.',
    ],
    person:
      'Comece de novo e autorize o acesso à sua organização. Se ela não aparecer, peça a quem é proprietário dela que aprove o aplicativo.',
    developer:
      'Procure `provider.call_refused` ou `provider.call_failed` com o motivo, como `app_not_approved_by_organization` ou `organization_requires_saml`.',
  },
  user_disabled: {
    happened: 'A conta foi desativada por quem administra o serviço. As sessões terminaram, e nenhum login é aceito.',
    causes: ['A pessoa deixou a organização.', 'A conta foi desativada por suspeita de uso indevido.'],
    person: 'Peça a quem administra o serviço que reative a sua conta.',
    developer:
      'Encerre a sessão local e não repita a requisição. O evento `account.disabled` da auditoria diz quem desativou. `POST /users/:id/enable` reativa a conta.',
  },
  too_many_identities: {
    happened: 'A conta já tem 20 logins vinculados, que é o limite, por isso nenhum outro foi vinculado.',
    causes: [
      'Muitas contas de um provedor foram vinculadas a uma conta daqui.',
      'Um teste vincula um login novo a cada execução e nunca o desvincula.',
    ],
    person: 'Desvincule na página da sua conta um login que não usa mais e tente de novo.',
    developer:
      'Liste-os com `GET /me/identities` e remova um com `DELETE /me/identities/:id`. O limite não é configurável.',
  },
  too_many_service_credentials: {
    happened: 'O serviço já tem 500 credenciais de serviço ativas, que é o limite, por isso nenhuma foi criada.',
    causes: [
      'Uma automação cria uma credencial a cada implantação e nunca a revoga.',
      'Credenciais de programas aposentados foram mantidas.',
    ],
    person: 'Revogue as que não são mais usadas: a lista mostra quando cada uma foi usada pela última vez.',
    developer:
      'Troque o segredo de uma credencial por programa em vez de criar outra. Revogue com `DELETE /service-credentials/:id`.',
  },
  return_to_not_allowed: {
    happened: 'A URL de retorno depois do login não é permitida, por isso ninguém é levado até ela.',
    causes: [
      'A URL não está em `RETURN_TO_ALLOWED`: a origem e o caminho devem coincidir, com esquema e porta.',
      'O aplicativo mudou de host ou de caminho.',
      'A URL foi retirada da lista enquanto um login estava em andamento.',
      'Um link foi forjado para levar pessoas a outro site.',
    ],
    person: 'Volte ao aplicativo e comece por ele. Se acontecer outra vez, avise quem opera o aplicativo.',
    developer:
      'Inclua a URL exata em `RETURN_TO_ALLOWED` e reinicie. Caminhos abaixo dela também são permitidos; os deste serviço sempre são.',
  },
  redirect_uri_key_not_found: {
    happened: 'A requisição indica uma URI de redirecionamento por uma chave que o provedor não tem aqui.',
    causes: [
      'A chave não está em `<PROVIDER>_REDIRECT_URIS`.',
      'A requisição traz a própria URI em vez da chave.',
      'A chave só foi incluída em outro provedor.',
    ],
    person: 'Atualize o aplicativo e tente de novo. Se acontecer outra vez, avise quem o desenvolve.',
    developer:
      'Inclua `key=uri` em `<PROVIDER>_REDIRECT_URIS` e registre a mesma URI no provedor. Sem chave, vale `default`.',
  },

  // Tokens of this service
  token_expired: {
    happened: 'O token era válido, mas o prazo dele terminou.',
    causes: [
      'Um token de acesso passou de `ACCESS_TOKEN_TTL_SECONDS`: 30 minutos, por padrão.',
      'Um token de renovação ficou sem uso por `REFRESH_TOKEN_TTL_SECONDS`: sete dias, por padrão.',
      'O relógio do servidor ou do banco de dados está adiantado.',
    ],
    person: 'Recarregue a página. Se o aplicativo pedir, entre de novo.',
    developer:
      'Se é um token de acesso, renove-o em `POST /auth/refresh` e repita a requisição uma vez. Se é um token de renovação, a pessoa precisa entrar de novo.',
  },
  token_invalid: {
    happened: 'Não foi possível ler ou verificar o token como um token deste serviço.',
    causes: [
      'O token está cortado, entre aspas, ou não é deste serviço.',
      'Ele foi emitido por outro ambiente: o emissor, o público ou as chaves são outros.',
      'A chave que o assinou foi removida, ou `JWT_ISSUER` ou `JWT_AUDIENCE` mudou.',
    ],
    person: 'Entre de novo.',
    developer:
      'Envie `Authorization: Bearer <token>` com o token exatamente como o recebeu. Compare o `iss` dele com `GET /.well-known/oauth-authorization-server`.',
  },
  token_wrong_type: {
    happened: 'O token é válido, mas é do outro tipo: token de acesso e token de renovação foram trocados.',
    causes: [
      'Um token de renovação foi enviado à API no lugar do token de acesso.',
      'Um token de acesso foi enviado a `POST /auth/refresh`.',
      'O cliente guardou os dois com o mesmo nome.',
    ],
    person: 'Entre de novo. Se acontecer outra vez, avise quem desenvolve o aplicativo.',
    developer:
      'Envie `access_token` à API e `refresh_token` a `POST /auth/refresh`. O texto do erro diz qual tipo é esperado.',
  },
  token_subject_missing: {
    happened: 'A assinatura do token é válida, mas ele não indica nenhuma conta.',
    causes: [
      'O token foi assinado com a chave deste serviço, mas não foi emitido por ele.',
      'Um script de quem opera o serviço monta tokens por conta própria.',
    ],
    person: 'Entre de novo para receber outro token.',
    developer:
      'Obtenha tokens só em `POST /auth/token` e `POST /auth/refresh`. Se outro programa tem a chave de assinatura, troque as chaves.',
  },
  user_not_found: {
    happened: 'O token ou a sessão é de uma conta que não existe mais.',
    causes: [
      'A pessoa excluiu a conta em outro dispositivo.',
      'A conta foi excluída por quem administra o serviço.',
      'O banco de dados foi restaurado de um backup mais antigo.',
    ],
    person: 'Se quiser continuar usando o serviço, crie outra conta.',
    developer: 'Exclua os tokens e os dados locais da conta. Não repita a requisição: o ID nunca será usado de novo.',
  },
  session_revoked: {
    happened: 'A sessão do token ou do cookie terminou: o dispositivo foi desconectado.',
    causes: [
      'A pessoa saiu, neste dispositivo ou em todos.',
      'A senha ou o e-mail mudou, ou um segundo fator foi adicionado ou removido.',
      'Quem administra ou opera o serviço encerrou as sessões.',
      'A forma de entrar usada nesta sessão foi desvinculada.',
      'Havia mais de 100 sessões abertas, e a mais antiga terminou.',
    ],
    person: 'Entre de novo. Se não foi você quem saiu, veja a atividade recente na página da sua conta.',
    developer:
      'Exclua os tokens guardados e inicie um login. O `reason` do evento `session.ended` da auditoria diz o motivo.',
  },
  session_expired: {
    happened: 'A sessão chegou ao fim do seu prazo: renovar antes não teria ajudado.',
    causes: [
      'Ela passou de `REFRESH_TOKEN_ABSOLUTE_TTL_SECONDS`: 90 dias, por padrão.',
      'O navegador ficou sem uso por `REFRESH_TOKEN_TTL_SECONDS`: sete dias, por padrão.',
    ],
    person: 'Entre de novo para abrir outra sessão.',
    developer:
      'Exclua os tokens guardados e inicie um login. `refresh_expires_in` informa antes quando uma sessão termina.',
  },
  token_reused: {
    happened:
      'Um token de renovação antigo foi usado depois de um mais novo. Como pode ter sido roubado, a sessão do dispositivo terminou.',
    causes: [
      'Dois processos ou abas do cliente renovam com o mesmo token guardado.',
      'O cliente não guardou o token de renovação novo antes de usar o novo token de acesso.',
      'Um backup do dispositivo foi restaurado.',
      'Alguém tem uma cópia do token.',
    ],
    person: 'Entre de novo. Se houver um dispositivo desconhecido na sua lista, desconecte-o e troque a senha.',
    developer:
      'Renove em um único lugar, protegido por uma trava, e guarde o par novo antes de usá-lo. Logo depois de uma renovação, o token anterior ainda vale para repetições.',
  },
  code_invalid: {
    happened: 'O código de login do redirecionamento não pode ser trocado por tokens.',
    causes: [
      'O código tem mais de 60 segundos.',
      'Ele já foi usado, mesmo que com um `code_verifier` errado. Nesse caso, a sessão terminou.',
      'O `code_verifier` é de outra tentativa.',
      'O aplicativo não está mais em `RETURN_TO_ALLOWED`.',
    ],
    person: 'Comece o login de novo no aplicativo.',
    developer:
      'Troque o código uma única vez e imediatamente, com o `code_verifier` da mesma tentativa. Guarde um verificador por tentativa, não por pessoa.',
  },
  grant_type_unsupported: {
    happened: 'O `grant_type` enviado ao endpoint de tokens não é nenhum dos três que este serviço aceita.',
    causes: [
      'Uma biblioteca usa `client_credentials`. Aqui, um back-end usa diretamente a credencial de serviço.',
      'O valor foi escrito errado, ou o corpo foi enviado com o tipo de conteúdo errado.',
    ],
    person: 'Avise quem desenvolve o aplicativo: só ali é possível corrigir.',
    developer: 'Envie `password`, `authorization_code` ou `refresh_token` a `POST /auth/token`.',
  },

  // Account and permissions
  authentication_required: {
    happened: 'A requisição não tem credenciais, e a rota só atende quem entrou na conta.',
    causes: [
      'O cabeçalho `Authorization` falta ou não começa com `Bearer`, ou um proxy o removeu.',
      'O cookie da sessão não foi enviado: a página foi aberta em outro host, ou por HTTP.',
      'Em `POST /auth/refresh`: não veio nem um token de renovação nem uma sessão.',
    ],
    person: 'Entre na sua conta e tente de novo.',
    developer: 'Envie `Authorization: Bearer <access token>`. As páginas deste serviço redirecionam para `/login`.',
  },
  reauthentication_required: {
    happened: 'A ação é sensível e exige um login feito há poucos minutos.',
    causes: [
      'O último login é mais antigo que `RECENT_AUTH_SECONDS`: dez minutos, por padrão. Renovar tokens não conta.',
      'Para pedir uma chave de acesso em cada login, a sessão atual precisa ter sido aberta com um segundo fator.',
    ],
    person: 'Entre de novo e repita a ação.',
    developer:
      'Deixe a pessoa entrar e repita a requisição com o token novo. `max_age` em `WWW-Authenticate` diz quão recente o login deve ser.',
  },
  csrf_failed: {
    happened: 'A requisição usou o cookie da sessão, e não é certo que a pessoa a quis. Nada foi alterado.',
    causes: [
      'O formulário ficou aberto por tanto tempo que a sessão mudou, por exemplo com um login em outra aba.',
      'Um script de outra origem enviou a requisição com cookies.',
      'Um proxy altera `Origin`, `Host` ou `Cookie`, ou a página foi aberta em outro host que não o de `PUBLIC_URL`.',
      'Outro site enviou a requisição de propósito (um ataque).',
    ],
    person: 'Recarregue a página e envie o formulário de novo.',
    developer:
      'De outra origem, chame a API com `Authorization: Bearer` e sem cookies. Um script da mesma origem envia o token da página em `X-CSRF-Token`.',
  },
  not_linked: {
    happened: 'A conta de quem fez a requisição não tem forma de entrar com este ID, ou não tem senha para remover.',
    causes: [
      'Ela foi desvinculada em outra aba ou em outro dispositivo.',
      'A senha já foi removida.',
      'O ID é de outra conta.',
    ],
    person: 'Recarregue a página da sua conta. Se a forma de entrar não aparece, não há nada a fazer.',
    developer:
      'Use o ID de `GET /me/identities`: ele começa com `idn_`. Depois de pedir a desvinculação, trate o 404 como sucesso.',
  },
  last_login_method: {
    happened: 'Sem esta forma de entrar, ninguém mais entraria na conta. Por isso ela foi mantida.',
    causes: [
      'É a única forma de entrar da conta.',
      'As outras não podem ser usadas: o provedor está desativado, ou a senha exige um e-mail verificado. `usable` diz quais.',
    ],
    person: 'Adicione antes uma senha, uma chave de acesso ou outro provedor. Para sair de vez, exclua a conta.',
    developer:
      'Mostre `remaining_methods` com `usable` e ofereça adicionar outra. Links por e-mail não contam como forma de entrar.',
  },
  session_not_found: {
    happened: 'A conta de quem fez a requisição não tem sessão ativa com este ID.',
    causes: ['O dispositivo já foi desconectado, ou a sessão dele expirou.', 'A sessão é de outra conta.'],
    person: 'Recarregue a lista dos seus dispositivos. Se o dispositivo não aparece, ele está desconectado.',
    developer: 'Use o ID de `GET /me/sessions`. Depois de pedir o fim de uma sessão, trate o 404 como sucesso.',
  },
  needs_reauthorization: {
    happened: 'O provedor não aceita mais a autorização guardada. Só a própria pessoa pode dá-la de novo.',
    causes: [
      'A pessoa removeu o aplicativo nas configurações do provedor, ou trocou a senha lá.',
      'O token de renovação expirou por ficar muito tempo sem uso.',
      'O serviço passou a usar outro ID de cliente, e a autorização antiga não vale para ele.',
      'Em uma equipe: quem fez a conexão saiu dela, ou a conta dessa pessoa está desativada.',
    ],
    person: 'Entre pelo provedor de novo, ou conecte a equipe de novo. A pessoa responsável também recebeu um e-mail.',
    developer:
      'Pare as requisições para essa pessoa até que ela autorize de novo. Se acontecer com muita gente ao mesmo tempo, confira o ID e o segredo do cliente.',
  },
  not_connected: {
    happened: 'Esta pessoa ou equipe não tem autorização no provedor, por isso não há token para emprestar.',
    causes: [
      'A pessoa nunca entrou por esse provedor, ou retirou a autorização.',
      'A conta ou a equipe não existe, ou a conta está desativada.',
      'A equipe não escolheu nenhum site do Jira.',
      'O provedor não é oferecido aqui.',
    ],
    person: 'Vincule o provedor na página da sua conta, ou peça a quem possui a equipe que a conecte.',
    developer:
      'Confira `user_id` ou `team_id` e `provider`. Não repita a requisição antes que a pessoa vincule o provedor.',
  },
  scopes_not_offered: {
    happened: 'Uma das permissões pedidas não está entre as que este serviço oferece para o provedor.',
    causes: [
      'O escopo não está em `<PROVIDER>_OPTIONAL_SCOPES`.',
      'O escopo foi escrito errado: a comparação é exata.',
      'O escopo foi retirado da lista enquanto a pessoa estava no provedor.',
    ],
    person: 'Escolha entre as permissões que a página da forma de entrar mostra.',
    developer:
      'Peça só escopos de `<PROVIDER>_OPTIONAL_SCOPES`. Para oferecer outro, inclua-o ali e reinicie o serviço.',
  },

  // Teams and Jira
  team_not_found: {
    happened:
      'Quem fez a requisição não faz parte de nenhuma equipe com este ID. Quem é de fora não vê se uma equipe existe.',
    causes: [
      'A equipe foi excluída.',
      'A pessoa saiu da equipe, ou foi removida dela.',
      'A pessoa entrou com outra conta.',
    ],
    person: 'Confira em qual conta você entrou e peça um convite a quem possui a equipe.',
    developer: 'Use os IDs de `GET /teams`: cada um começa com `team_`.',
  },
  team_role_required: {
    happened: 'A pessoa faz parte da equipe, mas o papel dela não permite a ação.',
    causes: [
      'Um membro tentou algo reservado a proprietários e administradores, como convidar pessoas ou conectar o Jira.',
      'Quem administra a equipe tentou algo reservado a proprietários, como excluí-la ou alterar um deles.',
      'O papel foi alterado nesse meio-tempo.',
    ],
    person: 'Peça a quem possui ou administra a equipe que faça isso ou altere o seu papel.',
    developer: 'Consulte `role` em `GET /teams/:id` e ofereça só o que o papel permite.',
  },
  member_not_found: {
    happened: 'A equipe não tem membro com este ID de conta.',
    causes: [
      'A pessoa saiu, ou outra pessoa a removeu.',
      'A conta foi excluída.',
      'A pessoa foi convidada e ainda não aceitou.',
    ],
    person: 'Recarregue a lista de membros.',
    developer:
      'Use o `user_id` de `GET /teams/:id/members`. Os convites abertos estão em `GET /teams/:id/invitations`.',
  },
  last_owner: {
    happened: 'A alteração deixaria a equipe sem ninguém que a possua, por isso nada foi alterado.',
    causes: ['A única pessoa proprietária quer sair da equipe.', 'A única pessoa proprietária receberia outro papel.'],
    person: 'Passe antes a propriedade a outro membro. Se ninguém precisa mais da equipe, exclua-a.',
    developer:
      'Envie `PATCH /teams/:id/members/:user_id` com `"role": "owner"` para outro membro e repita a requisição.',
  },
  already_member: {
    happened: 'A pessoa já faz parte da equipe, por isso não precisa de convite.',
    causes: ['O e-mail convidado é o e-mail verificado de um membro.', 'A pessoa aceitou um convite anterior.'],
    person: 'Abra a equipe: você, ou a pessoa que você convidou, já pode usá-la.',
    developer:
      'Ao aceitar um convite, trate isto como sucesso. Para alterar o papel, use `PATCH /teams/:id/members/:user_id`.',
  },
  invitation_not_found: {
    happened: 'O convite não pode ser usado: ele foi aceito, retirado ou substituído, ou expirou.',
    causes: [
      'Ele tem mais de sete dias.',
      'Um convite mais novo para o mesmo e-mail o substituiu.',
      'Quem possui ou administra a equipe o retirou, ou ele foi aceito com outra conta.',
      'A equipe, ou a conta que convidou, foi excluída.',
    ],
    person: 'Peça outro convite à equipe e abra a mensagem mais recente.',
    developer: 'Antes de oferecer o aceite, consulte o convite com `POST /invitations/lookup`, que não o consome.',
  },
  team_limit_reached: {
    happened: 'Um limite de equipes foi atingido, por isso nada foi adicionado.',
    causes: [
      'A pessoa já faz parte de 50 equipes.',
      'A equipe já tem 200 membros.',
      'A equipe já tem 50 convites abertos.',
    ],
    person:
      'Saia de uma equipe, remova um membro ou retire um convite que não seja mais necessário. Depois tente de novo.',
    developer:
      'Retire convites antigos com `DELETE /teams/:id/invitations/:invitation_id`. Os limites não são configuráveis.',
  },
  jira_not_available: {
    happened: 'Este serviço não oferece conexão com o Jira.',
    causes: [
      'O provedor `atlassian` não está ativado, ou faltam o ID e o segredo do cliente.',
      'A Atlassian foi desativada enquanto uma equipe era conectada.',
    ],
    person: 'Pergunte a quem opera o serviço se o Jira será oferecido.',
    developer:
      'Defina `ATLASSIAN_CLIENT_ID` e `ATLASSIAN_CLIENT_SECRET` e registre o aplicativo na Atlassian com os escopos do Jira.',
  },
  jira_not_connected: {
    happened: 'A equipe nunca conectou o Jira, ou o desconectou. Não há nada para mostrar ou alterar.',
    causes: ['Ninguém conectou o Jira ainda.', 'Quem possui ou administra a equipe o desconectou nesse meio-tempo.'],
    person: 'Quem possui ou administra a equipe pode conectar o Jira na página de integrações.',
    developer: 'Consulte antes `status` em `GET /teams/:id/integrations/jira`. Conecte com `POST …/jira/authorize`.',
  },
  jira_not_active: {
    happened: 'Não é possível ler as filas, porque a equipe não tem uma conexão com o Jira que funcione.',
    causes: [
      'O Jira não está conectado, ou nenhum site foi escolhido.',
      'A Atlassian não aceita mais a autorização.',
      'Quem fez a conexão saiu da equipe, ou a conta dessa pessoa está desativada.',
      'Todos os sites escolhidos foram excluídos, ou estão fora do alcance da autorização.',
    ],
    person: 'Peça a quem possui ou administra a equipe que conecte o Jira de novo ou escolha os sites.',
    developer:
      'Consulte `status` e `last_error` em `GET /teams/:id/integrations/jira`. O 401 é sobre a conexão: outro token de acesso não ajuda.',
  },
  jira_site_not_found: {
    happened: 'A conexão da equipe não alcança um dos sites do Jira escolhidos. A escolha não foi alterada.',
    causes: [
      'A lista de sites está desatualizada.',
      'O site foi excluído, ou quem fez a conexão perdeu o acesso a ele.',
      'O ID não é um `cloud_id`.',
    ],
    person: 'Recarregue a lista de sites e escolha de novo.',
    developer:
      'Envie só valores `cloud_id` de `GET /teams/:id/integrations/jira/sites`. `POST …/jira/sync` lê a lista de novo.',
  },
  jira_scope_missing: {
    happened: 'O Jira recusou a requisição porque falta à autorização um escopo, que o texto do erro indica.',
    causes: [
      'A equipe foi conectada antes que o serviço pedisse esse escopo.',
      'O aplicativo na Atlassian não tem o escopo.',
      'Quem administra o site restringe o que aplicativos podem fazer.',
    ],
    person: 'Peça a quem possui ou administra a equipe que conecte o Jira de novo e conceda todas as permissões.',
    developer:
      'Inclua o escopo no aplicativo, no console de desenvolvedor da Atlassian, e conecte de novo. Só um token novo não resolve.',
  },
  jira_forbidden: {
    happened: 'O Jira não permite que a pessoa que conectou a equipe veja as centrais de serviço.',
    causes: [
      'A pessoa não tem licença de agente do Jira Service Management no site.',
      'A pessoa não faz parte do projeto da central de serviço.',
      'O Jira não conhece a conta da Atlassian nesse site.',
    ],
    person: 'Peça que um(a) agente da central de serviço, que possua ou administre a equipe, conecte o Jira.',
    developer: 'Peça a quem administra o site do Jira que dê à conta uma licença de agente e acesso ao projeto.',
  },
  provider_rate_limited: {
    happened: 'O provedor limita a frequência com que este serviço o chama, e o limite foi atingido.',
    causes: [
      'Muitas equipes leem as filas ao mesmo tempo: o limite vale para o aplicativo inteiro.',
      'Um cliente consulta com muita frequência. Os resultados ficam em cache por 30 segundos, e consultar antes disso não traz nada novo.',
      'Outro programa usa a mesma autorização.',
    ],
    person: 'Espere o tempo indicado e recarregue a página uma vez.',
    developer: 'Respeite `Retry-After`, que é o valor do provedor. Consulte no máximo duas vezes por minuto.',
  },

  // Requests
  invalid_request: {
    happened:
      'Um campo, parâmetro ou cabeçalho da requisição falta, é desconhecido ou tem um valor errado. `errors` lista cada campo.',
    causes: [
      'Um campo tem o tipo, o tamanho ou o formato errado.',
      'Um campo não existe aqui: campos desconhecidos são recusados, não ignorados.',
      'Um parâmetro foi enviado duas vezes.',
      'O login de um aplicativo não tem `code_challenge`, ou o retorno não tem `code`.',
      'A requisição não tem o cabeçalho `Host`, ou não é possível decodificar a URL.',
    ],
    person: 'Corrija os campos marcados e envie o formulário de novo.',
    developer:
      'Leia `path` e `code` em `errors` e compare a requisição com a referência da API. Não a repita sem alterá-la.',
  },
  malformed_body: {
    happened: 'O corpo da requisição não é JSON nem um formulário válido, ou está faltando.',
    causes: [
      'O JSON tem um erro de sintaxe, como uma vírgula a mais.',
      'O corpo não está em UTF-8.',
      'A rota exige um corpo, ainda que todos os campos sejam opcionais, e a requisição não tem nenhum.',
    ],
    person: 'Recarregue a página e tente de novo. Se acontecer outra vez, avise quem desenvolve o aplicativo.',
    developer: 'Monte o corpo com `JSON.stringify` ou `URLSearchParams` e defina o `Content-Type` correspondente.',
  },
  payload_too_large: {
    happened: 'O corpo tem mais de 64 KiB e não foi lido até o fim. Uma imagem pode ter 100 KiB.',
    causes: [
      'Um arquivo ou uma imagem foi enviado no próprio corpo. `picture` é uma URL.',
      'Uma lista tem itens demais.',
      'O cliente envia o próprio estado junto com a requisição.',
    ],
    person: 'Encurte o que você digitou e envie de novo.',
    developer: 'Envie só os campos documentados. Se é o proxy que responde 413, aumente o limite dele para 64 KiB.',
  },
  headers_too_large: {
    happened: 'A URL e os cabeçalhos somam mais de 16 KiB, ou há mais de 100 cabeçalhos.',
    causes: [
      'Outros aplicativos no mesmo domínio gravam muitos cookies, ou cookies grandes.',
      'Um proxy acrescenta cabeçalhos longos, por exemplo com certificados de cliente.',
      'Muitos logins foram iniciados e não concluídos: cada um tem um cookie por alguns minutos.',
    ],
    person: 'Exclua os cookies deste site no navegador e abra-o de novo.',
    developer:
      'Dê ao serviço um host só dele e limite os cookies dos outros aplicativos ao host deles, sem o domínio inteiro.',
  },
  request_timeout: {
    happened: 'Os cabeçalhos ou o corpo não chegaram completos no prazo. A conexão foi encerrada.',
    causes: [
      'A rede está lenta ou caiu.',
      'O cliente anunciou um `Content-Length` maior do que enviou.',
      'Um proxy mantém conexões abertas sem enviar requisições.',
      'Alguém abre muitas conexões lentas de propósito (um ataque).',
    ],
    person: 'Confira a sua conexão e tente de novo.',
    developer: 'Envie o corpo de uma vez, com o `Content-Length` correto. Deixe o proxy armazenar requisições lentas.',
  },
  unsupported_media_type: {
    happened: 'O corpo tem um tipo de conteúdo que a rota não aceita. O texto do erro indica os aceitos.',
    causes: [
      'O cabeçalho `Content-Type` falta, ou é `text/plain`.',
      'Um formulário foi enviado a uma rota que só lê JSON, como `POST /auth/register`.',
      'O corpo é `multipart/form-data` ou comprimido, o que nenhuma rota aceita.',
    ],
    person: 'Avise quem desenvolve o aplicativo: a correção só pode ser feita nele.',
    developer: 'Defina `Content-Type: application/json`. No `curl`, `--json` faz isso, e `-d` envia um formulário.',
  },
  not_found: {
    happened: 'Não há nada nesta URL, ou nada que quem fez a requisição possa ver.',
    causes: [
      'A URL foi digitada errado, ou tem uma barra no fim.',
      'Um ID na URL não tem o formato certo.',
      'A página é para quem administra o serviço. Para as outras pessoas, ela não existe.',
      '`/metrics` sem o token, ou `/mailbox` onde há envio de e-mail.',
    ],
    person: 'Confira a URL ou comece pela página inicial.',
    developer:
      'Compare o método e o caminho com a referência da API. Os caminhos diferenciam maiúsculas de minúsculas.',
  },
  method_not_allowed: {
    happened: 'A URL existe, mas não com este método. O cabeçalho `Allow` lista os métodos dela.',
    causes: [
      'O endereço de um formulário foi aberto diretamente, e a URL só aceita `POST`.',
      'Um cliente usa `PUT` em vez de `PATCH`, ou o contrário.',
      'Um redirecionamento trocou `POST` por `GET`, por exemplo de HTTP para HTTPS.',
    ],
    person: 'Abra a página de novo pelo menu em vez de recarregar a URL.',
    developer:
      'Use um dos métodos de `Allow`. Chame a URL final do serviço, para que nenhum redirecionamento troque o método.',
  },
  rate_limited: {
    happened: 'Uma rede enviou mais requisições do que a rota aceita em um minuto.',
    causes: [
      'Um cliente consulta ou repete requisições sem esperar.',
      'Muitas pessoas usam o mesmo endereço IP, como em um escritório ou em uma rede móvel.',
      '`TRUST_PROXY_HOPS` é baixo demais, e todas as requisições contam para o endereço do proxy.',
      'Uma pessoa enviou 60 convites de equipe em uma hora, ou um e-mail recebeu cinco deles.',
      'Um aplicativo da rede envia um segredo ou uma asserção incorretos. O segredo certo continua sendo aceito.',
    ],
    person: 'Espere o tempo indicado antes de tentar de novo.',
    developer:
      'Respeite `Retry-After` e aumente as pausas aos poucos. Se todo mundo é afetado, confira `TRUST_PROXY_HOPS`.',
  },
  not_ready: {
    happened: 'O serviço funciona, mas não pode atender a requisição neste momento. Nada foi alterado.',
    causes: [
      'O banco de dados não responde, está só para leitura ou não tem conexão livre.',
      'Há mais trabalho na fila do que o serviço aceita, como o cálculo de senhas.',
      'O nó está iniciando, migrando ou encerrando.',
    ],
    person: 'Espere um pouco e tente de novo. Você continua com a sessão aberta.',
    developer:
      'Respeite `Retry-After` e repita a requisição: um 503 nunca encerra sessões. O evento de log `database.state` diz o que há.',
  },
  internal: {
    happened: 'O serviço encontrou um erro que não conhece. A causa está no log, e não na resposta.',
    causes: [
      'Um defeito do serviço.',
      'O disco está cheio, ou não é possível ler um arquivo.',
      'Uma mudança inesperada na configuração ou no banco de dados.',
    ],
    person: 'Tente de novo mais tarde. Se acontecer outra vez, informe o ID da requisição a quem opera o serviço.',
    developer:
      'Procure o ID da requisição no log: a linha `defect` tem o erro com a pilha de chamadas. Ao relatar o defeito, inclua essa linha.',
  },
}
