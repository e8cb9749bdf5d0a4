import type { ApplicationScopeTexts } from './texts.ts'

export const portugueseScopes: ApplicationScopeTexts = {
  standard: {
    openid: {
      person: 'saber que é você, sempre que entrar lá',
      administrator: 'saber quem é a pessoa, sempre que ela entrar lá',
    },
    profile: {
      person: 'ver seu nome, sua foto e seu idioma',
      administrator: 'ver o nome, a foto e o idioma da pessoa',
    },
    email: {
      person: 'ver seu e-mail e se ele foi confirmado',
      administrator: 'ver o e-mail da pessoa e se ele foi confirmado',
    },
    offline_access: {
      person: 'manter você conectado lá enquanto estiver conectado aqui neste dispositivo',
      administrator: 'manter a pessoa conectada lá enquanto estiver conectada aqui no mesmo dispositivo',
    },
    teams: {
      person: 'ver suas equipes e seu papel em cada uma',
      administrator: 'ver as equipes da pessoa e o papel dela em cada uma',
    },
    metadata: {
      person: 'ver o que quem opera este serviço registrou sobre você para aplicativos, como o seu plano',
      administrator: 'ver os metadados públicos da conta da pessoa',
    },
  },
  other: {
    person: (scope) => `usar a permissão “${scope}” por você`,
    administrator: (scope) => `usar a permissão “${scope}” pela pessoa`,
  },
  resource: {
    person: (resource) => `agir por você em ${resource}`,
    administrator: (resource) => `agir pela pessoa em ${resource}`,
  },
}
