"""Sentences and commands that ask for something outside the repository: the user's part of a plan.

Knows single sentences in a handful of languages. What it is not sure of it does not claim: a step
wrongly left to the user is work that silently does not happen.
"""

from __future__ import annotations

import re

_LENGTH_LIMIT = 300  # characters of a sentence; longer ones are no plain requests

_WHERE = (
    r"(?:the\s|our\s)?(?:production|prod|staging|live|preprod|(?:\w+\s)?(?:server|cluster|cloud"
    r"|environment|machine|laptop|host))\b.{0,60}"
)
_SERVICE = (
    r"(?:github|gitlab|bitbucket|cloudflare|vercel|netlify|aws|gcp|azure|google cloud|stripe|heroku"
    r"|sentry|slack|jira|grafana|datadog|auth0|okta|firebase|supabase|pypi|npm|codecov|render|fly)"
)
_MANAGER = r"(?:pip|pipx|npm|pnpm|yarn|uv|poetry|conda|brew|apt|apt-get|cargo|gem|composer|winget)"
_THING = r"(?:app|application|service|site|website|api|backend|frontend|bot)"
_PAGE = (
    r"(?:pages?|layout|site|app|ui|result|design|look|rendering|colou?rs?|menu|dark\smode|theme|form"
    r"|screens?|checkout|login|flow)"
)
_PEOPLE = (
    r"(?:(?:\w+\s)?team|maintainers?|product\sowner|designers?|stakeholders?|reviewers?|lawyers?"
    r"|legal|management|dba|ops)"
)
_TO = rf"(?:\s(?:to|on|in|into)\s(?:{_WHERE}|(?:\w+\s)?{_SERVICE}\b.*))"
# A service that a program may push to or publish on is no sign; these words are.
_BY = r"(?:\s(?:with|via|using|by\srunning)\s`[^`]+`)"

_ENGLISH = rf"""
install (?:(?:all|the|new|required|missing|needed|necessary|dev|development|python|node|npm|system
    |runtime|project|latest)\s)*
    (?:dependenc(?:y|ies)|packages?|requirements|prerequisites|toolchain|pre-commit(?:\shooks?)?)
    (?:\s(?:locally|first|again))?(?:\s(?:with|via|using|from)\s.*|\s(?:on|in)\s(?:{_WHERE}
    |(?:the\s|an?\s)?(?:venv|virtual\s?env\w*)\b.*)|[:,(].*)?\.?$
|install (?:the\s)?`[^`]+`(?:(?:,\s|\sand\s|,\sand\s)`[^`]+`)*(?:\s(?:package|library|tool|locally
    |globally|first|(?:with|via|using|as\sa)\s.+))*\.?$
|install [\w.@/+-]+(?:\s\d[\w.+-]*)?(?:(?:,|\sand|,\sand)\s[\w.@/+-]+)*
    \s(?:locally|globally|(?:with|via|using|from)\s`?{_MANAGER}\b.*)\.?$
|(?:run|apply|execute) (?:all\s|the\s|any\s|pending\s|new\s)*
    (?:(?:database|db|schema|django|alembic|prisma|rails)\s)?migrations?
    (?:\s(?:on|against|in|to)\s(?:{_WHERE}|the\s(?:\w+\s)?(?:database|db))|\slocally|\s\(?`[^`]+`\)?
    |{_BY})?\.?$
|migrate (?:the\s)?(?:(?:production|staging|live|prod)\s(?:database|db|data|schema|server)\b
    |(?:database|db)(?:\s(?:on|to)\s{_WHERE}|{_BY})?\.?$)
|(?:back\sup|backup) (?:the\s)?(?:(?:production|live|staging|prod)\s)?(?:database|db)
    (?:\s(?:first|with\s.*|before\s(?:the\s)?(?:migrat|deploy|upgrad)\w*.*))?\.?$
|restore (?:the\s)?(?:production|live|staging|prod)\s(?:database|db)\b
|release (?:version\s)?v?\d+(?:\.\d+)+
|release (?:the|a)\s(?:new\s|next\s)?(?:version|package|app|library|plugin|extension){_TO}?\.?$
|release\.?$
|(?:cut|make|tag|draft|publish|create) (?:an?|the)\s(?:new\s|github\s|gitlab\s|final\s|patch\s)*
    release(?:\s(?:on|for|from|with)\s.*|\s`?v?\d\S*)?\.?$
|tag (?:the\s)?(?:commit|version|release)(?:\s(?:as|with)\s`?v?\d\S*)?\.?$|tag `?v?\d+\.\d+
|(?:re)?deploy (?:it\s|this\s|everything\s)?to\s|(?:re)?deploy{_TO}\.?$
|(?:re)?deploy (?:the\s)?(?:(?:new|updated|latest)\s)?(?:version|changes|build|{_THING})
    {_TO}?{_BY}?\.?$
|(?:re)?deploy(?:{_BY})?\.?$
|roll\sout (?:(?:the\s)?(?:change|release|new\sversion|update)s?\s)?to\s.*$
|ship\sit\b
|publish (?:it\s)?(?:the\s(?:new\s)?(?:package|library|module|crate|gem|image|release|version)\s?)?
    (?:to|on)\s(?:pypi|testpypi|npm|crates\.io|rubygems|maven\scentral|docker\s?hub|jsr|nuget
    |the\s(?:\w+\s){{0,2}}(?:registry|index|marketplace|store))\b
|publish (?:the\s)?(?:new\s)?(?:package|release|version|crate|gem|extension|docker\simage)\.?$
|publish\.?$
|upload .{{0,60}}\sto\s(?:pypi|testpypi|npm|the\sapp\sstore|the\splay\sstore|testflight)\b
|push (?:to\s(?:origin|github|gitlab|remote|main|master|production|the\sremote)\b
    |(?:the\s|your\s|all\s)?(?:feature\s)?(?:branch(?:es)?|changes|commits?|tags?|image)
    (?:\sto\s(?:origin|github|gitlab|upstream|remote|main|master|the\s(?:remote|registry))\b.*)?\.?$)
|push\.?$
|(?:open|create|submit|raise|file|make|send) (?:an?\s|the\s)?(?:draft\s)?
    (?:pr|mr|pull\srequest|merge\srequest)(?:\s(?:with|for|against|to|on|titled|from)\s.*|:.*)?\.?$
|merge (?:the\s|this\s|it\s)?(?:(?:pr|mr|pull\srequest|(?:feature\s)?branch)(?:\s(?:in)?to\s\S+)?
    |(?:in)?to\s(?:main|master|develop))\.?$
|commit (?:(?:all|the|your|these|everything|it|and)\s?)*(?:changes?|work|results?)?
    (?:\s(?:and\spush|with\s(?:the\s)?message)\b.*)?\.?$
|(?:create|make|check\sout|start) (?:an?\s|the\s)?(?:new\s)?(?:(?:git|feature|topic)\s)?
    branch(?:\s(?:`[^`]+`|(?:named|called)\s.+|(?:from|off)\s.+))?\.?$
|rotate (?:the\s|all\s|any\s|our\s|old\s|leaked\s)+
    (?:(?!refresh|session|csrf|jwt|bearer)[\w-]+\s){{0,3}}
    (?:secrets?|keys?|tokens?|passwords?|credentials?|certificates?)
    (?:\s(?:in|on|at|for)\s(?:vault|{_SERVICE}\b.*|{_WHERE}))?\.?$
|revoke (?:the\s|all\s)?(?:leaked|exposed)\s(?:\w+\s)?(?:keys?|tokens?|credentials?|secrets?)\b
|(?:set|add|create|store|configure|put|save) .{{1,60}}\s(?:in|on|to|as)\s(?:the\s|our\s|an?\s)?
    {_SERVICE}\s(?:actions\s|repo(?:sitory)?\s|project\s|organi[sz]ation\s)*(?:secrets?|variables?)\b
|set (?:the\s)?env(?:ironment)?\svar(?:iable)?s?\b.{{0,60}}\s(?:in|on)\s(?:{_WHERE}|{_SERVICE})\.?$
|(?:enable|disable|change|configure|set\sup|turn\s(?:on|off)|update|adjust|activate|allow)
    .{{1,80}}\s(?:in|on|at|under)\s(?:the\s|our\s)?(?:{_SERVICE}['\u2019]?s?\s(?:[\w-]+\s){{0,2}}
    |repo(?:sitory)?\s|organi[sz]ation\s)(?:settings|dashboard|console|portal|preferences)\.?$
|(?:update|change|add|create|point|set) (?:the\s|an?\s|our\s)?(?:\w+\s)?dns
    (?:\s(?:records?|entry|entries|settings|zone|name))?(?:\s(?:at|for|to|of)\s.*)?\.?$
|(?:sign\sup|register\san?\saccount|create\san\saccount) (?:for|at|on|with)\s{_SERVICE}
|register (?:an?|the)\s(?:domain|oauth\sapp(?:lication)?)(?:\s(?:at|with|on)\s.*)?\.?$
|provision (?:an?|the)\s(?:new\s)?(?:server|vm|database|cluster|bucket|machine)\b
|(?:buy|purchase) (?:an?|the|more|new|another|additional)\s(?:[\w-]+\s)?(?:domain|licen[cs]es?
    |certificates?|servers?|subscriptions?|seats|credits|adapter|cable|hardware|phones?|tickets?)
    (?:\s(?:for|from|at)\s.*)?\.?$
|ask (?:the\s|our\s|your\s|an?\s){_PEOPLE}\b
|ask (?:the|our)\s(?:customer|client|manager)\s(?:whether|if|about|which)\b
|ask (?-i:(?!User|Git|Claude|Python|Node)[A-Z][a-z]+)\s(?:whether|if|about)\b
|(?:get|obtain|request|await|wait\sfor) (?:an?\s|the\s|their\s)?(?:\w+\s)?
    (?:approval|sign-?off|feedback|consent)\s(?:from|by|of)\s(?:the\s|our\s)?{_PEOPLE}\b
|wait\sfor (?:the\s|a\s)?(?:code\s|final\s)?(?:review|approval|ci)\.?$
|(?:tell|inform) (?:the|our)\s(?:\w+\s)?(?:team|stakeholders)(?:\sthat\b.*)?\.?$
|announce (?:it|this|the\s(?:release|change|downtime|migration|new\sversion))\s(?:in|on)\s
|schedule (?:an?|the)\s(?:meeting|call|demo|downtime|maintenance)\b.{{0,60}}$
|manual(?:ly)?\s(?:qa|test(?:ing|s)?|check(?:s)?|verif(?:y|ication)|smoke\stest|review)\b
|(?:open|view|visit|load) (?:`?https?://\S+|the\s(?:\w+\s)?(?:app|page|site|website|ui|dashboard)
    |`[^`]+`)\s(?:in|with)\s(?:an?|the|your)\s(?:\w+\s)?browser(?:\s?(?:,|and|to)\s.*|:.*)?\.?$
|(?:check|verify|confirm|inspect|look\sat) (?:that\s|how\s)?(?:the\s)?(?:\w+\s){{0,3}}{_PAGE}\b
    .{{0,60}}\s(?:in|with)\s(?:an?|the|your|several|different|all)\s(?:\w+\s)?browsers?\.?$
|(?:check|verify|inspect) (?:that\s|how\s)?(?:the\s)?(?:\w+\s){{0,3}}{_PAGE}\b
    .{{0,60}}\s(?:by\shand|manually|by\seye|on\sstaging)\.?$
|(?:test|try|smoke[\s-]test) .{{0,80}}(?:\sby\shand|\smanually|\sby\seye|\son\sstaging
    |\sin\sproduction|\son\san?\s(?:real\s|physical\s)?(?:phone|device|iphone|android\s\w+))\.?$
|(?:start|restart|launch|boot|spin\sup|bring\sup) (?:the\s|an?\s)?(?:(?:local|dev|development
    |docker|postgres|redis|nginx)\s)+(?:servers?|services?|containers?|stack)?
    (?:\slocally|\sagain)?{_BY}?(?:\sand\s(?:check|open|verify|see|look|test|try)\b.*)?\.?$
|(?:start|restart) (?:the\s)?(?:\w+\s)?(?:server|service|worker)s?(?:{_BY}|\son\s{_WHERE})\.?$
"""
_GERMAN = r"""
(?:die\s|alle\s|neuen?\s|benötigten?\s|fehlenden?\s)*(?:abhängigkeiten|pakete?|bibliotheken)
    \s(?:\S+\s){0,3}?installieren\.?$
|(?:`[^`]+`(?:,?\s(?:und\s)?)?)+\s(?:\S+\s){0,3}installieren\.?$
|installiere?\s(?:die\s|alle\s)?(?:abhängigkeiten|pakete?|`[^`]+`)[^,;]{0,40}$
|(?:die\s)?(?:datenbank|produktionsdatenbank)\s(?:\S+\s){0,3}(?:migrieren|sichern)\.?$
|(?:die\s)?(?:datenbank)?migration(?:en)?\s(?:\S+\s){0,4}(?:ausführen|anwenden|einspielen)\.?$
|(?:ein(?:en)?\s|das\s|neues?\s|den\s)*release\s(?:\S+\s){0,4}
    (?:erstellen|veröffentlichen|machen)\.?$
|(?:die\s)?(?:neue\s)?(?:version|paket)\s(?:\S+\s){0,5}veröffentlichen\.?$
|(?:(?:auf|in|nach|die|den|das|der|dem|neue|app|anwendung|dienst|server|produktion|staging|live)\s)
    {0,5}(?:deployen|ausrollen)\.?$
|(?:einen\s|den\s)?(?:pull|merge)[\s-]request\s(?:\S+\s){0,4}(?:öffnen|erstellen|stellen|anlegen)\.?$
|(?:den\s|die\s)?(?:branch|änderungen|commits?|tag)\s(?:\S+\s){0,3}pushen\.?$
|(?:(?:die|das)\s)?(?:(?:\S+\s)?(?:seiten?|ansicht|übersicht|anzeige|darstellung|oberfläche
    |ergebnis|layout|formular)\s)?im\sbrowser\s(?:prüfen|testen|ansehen|anschauen|kontrollieren)\.?$
|(?:\S+\s){0,6}(?:manuell|von\shand)\s(?:testen|durchklicken)\.?$
|(?:das|den|die)\s(?:team|kunden|kundin|chef|designer\w*|fachabteilung)\s(?:\S+\s){0,8}fragen\b.*$
|(?:die|alle|den)\s(?:\S+\s)?(?:api-)?(?:schlüssel|passw[oö]rt(?:er)?|zertifikate?)
    \s(?:\S+\s){0,3}(?:rotieren|erneuern|austauschen)\.?$
|(?:eine?\s|neue\s|die\s)*(?:domain|lizenz|lizenzen|server)\s(?:\S+\s){0,3}kaufen\.?$
"""
_FRENCH = r"""
(?:installer|installez|installe)\s(?:toutes\s)?(?:les\s)?(?:nouvelles\s)?(?:dépendances|paquets)\b.*$
|(?:installer|installez|installe)\s(?:`[^`]+`(?:,?\s(?:et\s)?)?)+(?:\s(?:avec|via|en\slocal).*)?\.?$
|migrer\sla\s(?:base\sde\sdonnées|base)(?:\sde\sproduction|\sen\sproduction|\savec\s`.+)?\.?$
|(?:appliquer|lancer|exécuter)\sles\smigrations(?:\s(?:sur|en)\s.*)?\.?$
|sauvegarder\sla\sbase\sde\sdonnées(?:\sde\sproduction)?\.?$
|déployer\s(?:.{0,40}\s)?(?:en|sur|vers)\s(?:le\s|la\s)?(?:production|préproduction|prod|staging
    |serveur|recette)\b.*$
|déployer\.?$|déployer\sl['\u2019](?:application|api)\.?$
|publier\s(?:.{0,40}\s)?sur\s(?:pypi|npm|crates\.io|le\sregistre)\b.*$
|publier\s(?:la\s(?:nouvelle\s)?version|le\spaquet)(?:\s`?v?[\d.]+`?)?\.?$
|pousser\s(?:la\sbranche|les\s(?:changements|commits|modifications)|le\stag)(?:\s(?:sur|vers)\s.*)?\.?$
|(?:ouvrir|créer|soumettre)\s(?:une|la)\s(?:pull|merge)\srequest\.?$
|(?:vérifier|tester|contrôler)\s(?:\S+\s){0,3}(?:pages?|affichage|rendu|site|interface|résultat
    |formulaire|thème|couleurs)\s.{0,40}(?:dans\s(?:le|un)\snavigateur|manuellement|à\sla\smain)\.?$
|(?:vérifier|tester|contrôler)\s(?:la\s|le\s|l['\u2019])(?:page|affichage|rendu|site|interface|résultat
    |formulaire|thème)\sdans\s(?:le|un)\snavigateur\.?$
|demander\s(?:à\sl['\u2019]équipe|au\s(?:responsable|designer))\b.*$
|renouveler\sles\s(?:clés?|mots\sde\spasse|certificats?)\b.{0,40}$
|acheter\s(?:un|une|le|la|des)\s(?:nom\sde\sdomaine|domaine|licences?|certificat|serveur)\b.{0,40}$
"""
_SPANISH = r"""
(?:instalar|instala)\s(?:todas\s)?(?:las\s)?(?:nuevas\s)?(?:dependencias|paquetes)\b.*$
|(?:instalar|instala)\s(?:`[^`]+`(?:,?\s(?:y\s)?)?)+(?:\s(?:con|en\slocal).*)?\.?$
|migrar\sla\sbase\sde\sdatos(?:\sde\sproducción|\sen\sproducción|\scon\s`.+)?\.?$
|(?:aplicar|ejecutar|correr)\slas\smigraciones(?:\sen\s.*)?\.?$
|(?:desplegar|despliega)\s(?:.{0,40}\s)?(?:en|a)\s(?:el\s|la\s)?(?:producción|preproducción|staging
    |servidor|nube)\b.*$
|desplegar\.?$|desplegar\sla\saplicación\.?$
|publicar\s(?:.{0,40}\s)?en\s(?:pypi|npm|crates\.io|el\sregistro)\b.*$
|publicar\s(?:la\s(?:nueva\s)?versión|el\spaquete)(?:\s`?v?[\d.]+`?)?\.?$
|(?:subir|empujar)\s(?:la\srama|los\s(?:cambios|commits)|el\stag)(?:\sa\s.*)?\.?$
|(?:abrir|crear)\s(?:un|una|el|la)\s(?:pull|merge)\srequest\.?$
|(?:comprobar|verificar|probar|revisar)\s(?:la\s|el\s|los\s)(?:página|vista|sitio|interfaz|resultado
    |diseño|formulario|colores)\s.{0,40}(?:en\s(?:el|un)\snavegador|manualmente|a\smano)\.?$
|(?:comprobar|verificar|probar|revisar)\s(?:la\s|el\s)(?:página|vista|sitio|interfaz|resultado|diseño
    |formulario)\sen\s(?:el|un)\snavegador\.?$
|preguntar\sal\sequipo\b.*$
|(?:rotar|renovar)\slas\s(?:claves|contraseñas)\b.{0,40}$
|comprar\s(?:un|una|el|la)\s(?:dominio|licencia|certificado|servidor)\b.{0,40}$
"""
_JAPANESE = r"""
.{0,12}(?:依存(?:関係|パッケージ|ライブラリ)|パッケージ)を?(?:すべて)?インストール(?:する|します)?。?$
|`[^`]+`を?\s?インストール(?:する|します)?。?$
|(?:本番の?)?(?:データベース|db)(?:を|の)(?:マイグレーション|移行)(?:する|を実行(?:する)?)?。?$
|(?:db)?マイグレーションを(?:実行|適用)(?:する|します)?。?$
|.{0,20}(?:本番|ステージング)(?:環境)?(?:に|へ)(?:デプロイ|リリース|反映)(?:する|します)?。?$
|.{0,8}サーバー(?:に|へ)デプロイ(?:する|します)?。?$
|デプロイ(?:する|します)?。?$|(?:新|次の)?(?:バージョン|v)\s?[\d.]*を?リリース(?:する|します)。?$
|.{0,20}(?:pypi|npm)(?:に|へ|で)公開(?:する|します)?。?$
|(?:プルリクエスト|pr)を(?:作成|出す|開く|作る)(?:する|します)?。?$
|(?:変更|ブランチ|コミット)を(?:\S{0,12}に)?(?:プッシュ|push)(?:する|します)?。?$
|.{0,20}ブラウザ(?:ー)?(?:で|上で).{0,8}(?:表示|画面|ページ|動作|見た目|レイアウト)
    .{0,8}(?:確認|チェック)(?:する|します)?。?$
|.{0,20}(?:表示|画面|ページ|動作|見た目|レイアウト)を?ブラウザ(?:ー)?で(?:確認|チェック)(?:する)?。?$
|.{0,40}(?:手動で|目視で)(?:の)?.{0,12}(?:確認|テスト|チェック)(?:する|します)?。?$
|(?:チーム|担当者|デザイナー)に.{0,40}(?:確認|相談|質問|依頼|聞く|尋ねる)(?:する|します)?。?$
"""
# What programs do by themselves, and parts of programs.
_VETO = re.compile(
    r"""\b(?:automatic(?:ally)?|when(?:ever)?|each|every|per|lazily|button|endpoint|handler|callback
      |middleware|fixture|class|method|function|option|flag|object|event|component|module|helper
      |wrapper|feature(?!\sbranch)|on\s(?:click|start(?:up)?|save|exit|failure|error|import|demand|change)
      |at\s(?:start|run)\S*|beim|automatisch|wenn|sobald|jede[mnrs]?|knopf|funktion|klasse|zum
      |automatiquement|chaque|bouton|lorsque|cuando|cada|botón|automáticamente)\b
    |ボタン|自動|機能|スクリプト|処理|たび""",
    re.VERBOSE | re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:(?:finally|then|next|lastly|first|please|now|you (?:need to|should|must)|remember to"
    r"|zum schluss|zuletzt|danach|enfin|ensuite|finalmente|luego|最後に)[,:]?\s+)+",
    re.IGNORECASE,
)


_PARTS = re.compile(r",?\s(?:and|then|und|et|y)\s(?:then\s)?")


def _pattern(text: str) -> re.Pattern[str]:
    # The first blank of an alternative is a blank; those of its continuation lines are layout.
    lines = re.sub(r"\n\s+", "", text.strip()).replace("\n", "")
    return re.compile(lines.replace(" ", r"\s"), re.IGNORECASE)


_ASKS = tuple(map(_pattern, (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _JAPANESE)))
_JOINTS = re.compile(r"[&|;\n(]+")
_COMMAND = re.compile(
    r"""(?:sudo\s+)?(?:\w+=\S*\s+)*(?:
      (?:python3?\s+-m\s+)?(?:pip3?|pipx|conda|mamba|brew|apt|apt-get|dnf|winget|choco|gem|uv\ pip
        |uv\ tool|composer|rustup|cargo|go|bundle|poetry|pdm|pipenv|bun|pnpm|npm|yarn|pre-commit)
        \s+(?:install|add|ci|i|sync|get|upgrade|update|remove|uninstall|require|global)\b
    | (?:yarn|bundle|pnpm\ up|uv\ sync|poetry\ lock|uv\ lock)\s*$
    | (?:npm|pnpm|yarn|cargo|poetry|uv|hatch|flit|bun|gem|vsce|lerna|dotnet\ nuget)
        \s+(?:publish|push|login|version|release|yank)\b
    | npm\s+(?:adduser|link|audit\ fix) | twine\s | gh\s | glab\s | np\s*$
    | git\s+(?:push|tag|commit|merge|rebase|checkout|switch|branch|pull|fetch|clone|reset|stash
        |add)\b
    | (?:(?:uv|poetry)\ run\s+)?alembic\s+(?:upgrade|downgrade|stamp)\b
    | (?:\S+\s+)?(?:\S*/)?manage\.py\s+(?:migrate|runserver|createsuperuser|loaddata|flush|shell)\b
    | (?:npx\s+)?prisma\s+(?:migrate\ (?:deploy|dev|reset)|db\ push)\b
    | flask\s+(?:db\ upgrade|run)\b
    | (?:bin/|bundle\ exec\s+)?(?:rails|rake)\s+(?:db:\w+|server|s)\b | knex\s+migrate
    | (?:psql|mysql|mongosh?|redis-cli|sqlite3|pg_dump|createdb|dropdb)\b
    | (?:kubectl|helm|terraform|tofu|pulumi|ansible\S*|ssh|scp|rsync|aws|gcloud|az|heroku|fly|flyctl
        |vercel|netlify|wrangler|firebase|supabase|serverless|sls|eas|fastlane|systemctl|service
        |docker|docker-compose|podman|vagrant|open|xdg-open|curl|wget|crontab)\s
    | (?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:start|dev|serve|preview|watch|deploy\S*|release\S*)\b
    | (?:make|just|task|rake)\s+(?:(?:install|deploy|release|publish|upload|migrate)(?:[-_:]\w+)?
        |serve|run|start|up|push)(?!\S)
    | (?:bash\s+|sh\s+)?\S*(?:deploy|publish|release|upload|install|migrate)\S*\.(?:sh|ps1|bat)\b
    | (?:uvicorn|gunicorn|streamlit\ run|hugo\ server|mkdocs\ (?:serve|gh-deploy)|vite\s*$)
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def asks_the_user(sentence: str) -> bool:
    """Tell whether a sentence asks for nothing but something only the user can do."""
    if len(sentence) > _LENGTH_LIMIT:
        return False
    text = _LEAD.sub("", sentence.strip().strip("*_ "), count=1)
    if _VETO.search(re.sub(r"`[^`]*`", "", text)):
        return False
    parts = _PARTS.split(text)
    return _asks(text) or (len(parts) > 1 and all(map(_asks, parts)))


def _asks(text: str) -> bool:
    return any(asks.match(text) for asks in _ASKS)


def is_outside(command: str) -> bool:
    """Tell whether a command installs, releases, serves or reaches out of the repository."""
    parts = (part.strip() for part in _JOINTS.split(command))
    return any(_COMMAND.match(part[:_LENGTH_LIMIT]) for part in parts)
