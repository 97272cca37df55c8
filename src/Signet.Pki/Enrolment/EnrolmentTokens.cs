using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Pki;

public enum TokenRefusal
{
    None = 0,
    Unknown = 1,
    Expired = 2,

    /// <summary>It was used before: each is good for one certificate.</summary>
    Used = 3,

    /// <summary>Too many wrong guesses; also for a right token meanwhile.</summary>
    RateLimited = 4,
}

/// <summary>What a token admits its bearer to; kept without the secret.</summary>
/// <param name="Id">Public part, for lists and the audit log.</param>
/// <param name="SecretHash">SHA-256 of the secret part.</param>
/// <param name="NeedsApproval">A person looks at the request before anything is issued (EST answers 202 with Retry-After).</param>
public sealed record EnrolmentToken(string Id, string SecretHash, CertificateRequestSpec Admits, DateTimeOffset Expires, bool NeedsApproval = false, DateTimeOffset? UsedAt = null);

/// <summary>
/// One-time admission: a random secret for exactly one certificate of one name and profile. Only hashes are kept; comparing takes the same time for every wrong secret; wrong guesses are
/// limited for each source and each token. The caller stores what <see cref="Changed"/> brings, before it answers anybody. Safe for any number of threads.
/// </summary>
public sealed class EnrolmentTokens(TimeProvider time, RandomNumberGenerator random)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, EnrolmentToken> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Guesses> _guesses = new(StringComparer.Ordinal);

    /// <summary>A token that is new or was used, to be stored durably. It runs before the change counts: when it throws, nothing has changed.</summary>
    public event Action<EnrolmentToken>? Changed;

    public IReadOnlyList<EnrolmentToken> All
    {
        get
        {
            lock (_lock) return [.. _tokens.Values];
        }
    }

    /// <summary>Puts back what was stored.</summary>
    public void Restore(IEnumerable<EnrolmentToken> tokens)
    {
        lock (_lock)
        {
            foreach (var token in tokens) _tokens[token.Id] = token;
        }
    }

    /// <param name="admits">One certificate of this name and profile.</param>
    /// <param name="lifetime">Up to <see cref="PkiLimits.MaximumTokenLifetime"/>.</param>
    /// <param name="needsApproval">A person looks first.</param>
    /// <param name="before">Told the token before it is stored.</param>
    /// <returns>The token and its text, <c>ID.SECRET</c> (base64url, 256 secret bits). The text is shown once and never kept.</returns>
    public (EnrolmentToken Token, string Text) Create(CertificateRequestSpec admits, TimeSpan lifetime, bool needsApproval = false, Action<EnrolmentToken>? before = null)
    {
        if (lifetime <= TimeSpan.Zero || lifetime > PkiLimits.MaximumTokenLifetime) throw new ArgumentException($"a token lives up to {PkiLimits.MaximumTokenLifetime.TotalDays} days", nameof(lifetime));
        ProfileRules.Of(admits.Profile);
        var id = Text(9);
        var secret = Text(32);
        var token = new EnrolmentToken(id, Hash(secret), admits, time.GetUtcNow() + lifetime, needsApproval);
        lock (_lock)
        {
            before?.Invoke(token);
            Changed?.Invoke(token);
            _tokens.Add(id, token);
        }

        return (token, $"{id}.{secret}");
    }

    /// <summary>Looks at a token without using it up, so a refused request does not cost the device its only token.</summary>
    /// <param name="source">Address of whoever presents it: guesses are counted for it.</param>
    public TokenRefusal Check(string text, string source, out EnrolmentToken? token)
    {
        token = null;
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var id = dot > 0 ? text[..dot] : "";
        var secret = dot > 0 ? text[(dot + 1)..] : "";
        if (IsLimited("from " + source) || IsLimited("token " + id)) return TokenRefusal.RateLimited;
        EnrolmentToken? found;
        lock (_lock) found = _tokens.GetValueOrDefault(id);
        // An unknown id is compared too, with something that never fits.
        var right = CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Hash(secret)), Encoding.ASCII.GetBytes(found?.SecretHash ?? new string('-', 64)));
        if (found is null || !right)
        {
            Guess("from " + source);
            if (found is not null) Guess("token " + id);
            return TokenRefusal.Unknown;
        }

        if (found.UsedAt is not null) return TokenRefusal.Used;
        if (time.GetUtcNow() > found.Expires) return TokenRefusal.Expired;
        token = found;
        return TokenRefusal.None;
    }

    /// <summary>Uses a token up. Of any number of callers at once exactly one hears true; only that one may issue.</summary>
    public bool Use(EnrolmentToken token)
    {
        lock (_lock)
        {
            if (!_tokens.TryGetValue(token.Id, out var present) || present.UsedAt is not null || time.GetUtcNow() > present.Expires) return false;
            var used = present with { UsedAt = time.GetUtcNow() };
            Changed?.Invoke(used);
            _tokens[token.Id] = used;
            return true;
        }
    }

    /// <summary>It is as if it had never been; the caller has removed it from where it was stored.</summary>
    public void Forget(string id)
    {
        lock (_lock) _tokens.Remove(id);
    }

    private bool IsLimited(string who) => _guesses.TryGetValue(who, out var guesses) && guesses.Count >= PkiLimits.TokenGuesses && time.GetUtcNow() < guesses.Until;

    private void Guess(string who)
    {
        var now = time.GetUtcNow();
        if (_guesses.Count > PkiLimits.TokenGuessers)
        {
            foreach (var (key, old) in _guesses)
            {
                if (old.Until <= now) _guesses.TryRemove(key, out _);
            }
        }

        _guesses.AddOrUpdate(who, _ => new(1, now + PkiLimits.TokenGuessWindow), (_, g) => g.Until <= now ? new(1, now + PkiLimits.TokenGuessWindow) : g with { Count = g.Count + 1 });
    }

    private string Text(int bytes)
    {
        Span<byte> raw = stackalloc byte[32];
        random.GetBytes(raw[..bytes]);
        return System.Buffers.Text.Base64Url.EncodeToString(raw[..bytes]);
    }

    private static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
    private readonly record struct Guesses(int Count, DateTimeOffset Until);
}
