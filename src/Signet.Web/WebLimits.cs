namespace Signet.Web;

/// <summary>Every limit of the console in one place, with its origin.</summary>
public static class WebLimits
{
    /// <summary>Bytes of a request body. Forms and JSON here are small; a command's arguments are limited tighter still by the message format.</summary>
    public const long RequestBody = 256 * 1024;

    /// <summary>Bytes of all request headers: half of what Kestrel allows by default; our cookies and tokens take less than 4 KiB.</summary>
    public const int RequestHeaders = 16 * 1024;

    /// <summary>Open connections at once; a browser holds one (HTTP/2) or six. Chosen so that other parts keep file handles (20,000 a process).</summary>
    public const long Connections = 4096;

    /// <summary>Live feeds at once over all readers.</summary>
    public const int LiveFeeds = 1024;

    /// <summary>How long a live feed stays silent before a comment line keeps proxies from closing it.</summary>
    public static readonly TimeSpan LiveFeedHeartbeat = TimeSpan.FromSeconds(15);

    /// <summary>Failed log-ins per account and per address within <see cref="LoginWindow"/> before each further attempt has to wait.</summary>
    public const int LoginFailuresPerAccount = 5, LoginFailuresPerAddress = 20;

    /// <summary>The span in which failures count.</summary>
    public static readonly TimeSpan LoginWindow = TimeSpan.FromMinutes(15);

    /// <summary>First wait after too many failures; it doubles with each further one up to <see cref="LoginLongestDelay"/> and never becomes a lock-out for good.</summary>
    public static readonly TimeSpan LoginFirstDelay = TimeSpan.FromSeconds(30), LoginLongestDelay = TimeSpan.FromMinutes(15);

    /// <summary>Accounts and addresses whose failures are remembered at once: about 2 MB; the oldest are forgotten first.</summary>
    public const int LoginTracked = 10_000;

    /// <summary>How long a browser that signed in once is told from strangers who guess at the same account.</summary>
    public static readonly TimeSpan KnownBrowser = TimeSpan.FromDays(90);

    /// <summary>A session ends after this long without a request, and in any case after <see cref="SessionLongest"/> (NIST SP 800-63B, AAL2: 12 h and 30 min).</summary>
    public static readonly TimeSpan SessionIdle = TimeSpan.FromMinutes(30), SessionLongest = TimeSpan.FromHours(12);

    /// <summary>Sessions at once; the tenth part that was idle longest makes room for new ones.</summary>
    public const int Sessions = 10_000;

    /// <summary>Characters of a password: shortest as promised in the requirements; the longest keeps one hash from costing seconds.</summary>
    public const int PasswordShortest = 12, PasswordLongest = 256;

    /// <summary>PBKDF2-HMAC-SHA-512 rounds for stored passwords (OWASP asks 210,000 for this hash, the requirements 600,000).</summary>
    public const int PasswordIterations = 600_000;

    /// <summary>Password hashes computed at once: each takes a core for a third of a second, and the broker needs cores too.</summary>
    public const int PasswordHashesAtOnce = 2;

    /// <summary>Life of the one-time link for the first administrator.</summary>
    public static readonly TimeSpan SetupLink = TimeSpan.FromHours(24);

    /// <summary>Seconds an API caller may wait for the outcome of a command in one request.</summary>
    public const int LongestWaitSeconds = 60;

    /// <summary>Rows of one page of a list: as given, and at most.</summary>
    public const int PageSize = 50, LargestPage = 500;

    /// <summary>Serials and names in one request to revoke. Chosen: fills the largest request body; "under" and "device" name more with less.</summary>
    public const int CertificatesAtOnce = 5_000;

    /// <summary>Characters of a certificate request in a form or body: 16 KB as base64, with lines and headers.</summary>
    public const int RequestCharacters = 24 * 1024;

    /// <summary>Characters of the password of a PKCS#12 file that the page hands out: whoever finds the file may guess at any speed.</summary>
    public const int Pkcs12PasswordLeast = 12, Pkcs12PasswordMost = 128;

    /// <summary>Characters of an idempotency key, as Control takes them.</summary>
    public const int IdempotencyKeyLength = 128;

    /// <summary>Requests a minute of one account or token, and of one address without either: far above what a person or a script that waits for answers needs.</summary>
    public const int RequestsPerMinute = 3000, AnonymousRequestsPerMinute = 600;

    /// <summary>Bytes of a question by another broker: the longest MQTT topic (65,535 bytes) with everything around it.</summary>
    public const long AuthRequestBody = 128 * 1024;

    /// <summary>Time between the password and the second factor.</summary>
    public static readonly TimeSpan SecondStep = TimeSpan.FromMinutes(5);

    /// <summary>Characters of a passkey's answer as the browser writes it. Chosen: one has about 1,500.</summary>
    public const int CredentialCharacters = 16_384;

    /// <summary>Time to set up an authenticator or a passkey.</summary>
    public static readonly TimeSpan FactorSetup = TimeSpan.FromMinutes(15);

    /// <summary>How long a password that was just given is enough for dangerous acts; then it is asked for again.</summary>
    public static readonly TimeSpan Confirmation = TimeSpan.FromMinutes(10);

    /// <summary>Half-made sign-ins and set-ups remembered at once; the oldest make room.</summary>
    public const int ShortMemory = 10_000;

    /// <summary>Accounts that one address may register in <see cref="LoginWindow"/> where registration is open.</summary>
    public const int RegistrationsPerAddress = 5;

    /// <summary>Bytes of one answer of a sign-in provider: its document, its keys, tokens, user information. Chosen: large providers take a quarter of it.</summary>
    public const int ProviderAnswer = 64 * 1024;

    /// <summary>Time for one answer of a sign-in provider. Chosen: people wait for two or three of them.</summary>
    public static readonly TimeSpan ProviderAnswerTime = TimeSpan.FromSeconds(10);

    /// <summary>How long a provider's document and keys are used before they are fetched again, and for how long still when it cannot be reached.</summary>
    public static readonly TimeSpan ProviderFresh = TimeSpan.FromHours(1), ProviderStale = TimeSpan.FromHours(24);

    /// <summary>Between two fetches that an unknown key or a failure has caused: whoever makes up key ids must not make this console a hammer.</summary>
    public static readonly TimeSpan ProviderAgain = TimeSpan.FromSeconds(30);

    /// <summary>Between leaving for the provider and coming back (OAuth 2.0: a code lives ten minutes at most).</summary>
    public static readonly TimeSpan ProviderVisit = TimeSpan.FromMinutes(10);

    /// <summary>Between the provider's answer and the page that lets in: one step of the browser.</summary>
    public static readonly TimeSpan ProviderStep = TimeSpan.FromMinutes(2);

    /// <summary>How far the provider's clock may be off, and how old an ID token may be: it is made while we wait.</summary>
    public static readonly TimeSpan ProviderSkew = TimeSpan.FromMinutes(1), IdTokenAge = TimeSpan.FromMinutes(10);

    /// <summary>Characters of an ID token, keys of a provider, bits of an RSA key at most. Chosen: far above what providers have, and quick to refuse.</summary>
    public const int IdTokenCharacters = 32 * 1024, ProviderKeys = 64, ProviderKeyBits = 8192;
}
