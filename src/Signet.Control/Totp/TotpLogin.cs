using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Store;

namespace Signet.Control;

/// <summary>Who asks to log in, and from where.</summary>
/// <param name="User"><c>NAME|CODE</c>; the last <c>|</c> parts them.</param>
/// <param name="ClientId">As the client says.</param>
/// <param name="From">Address of the client, or of the broker that asks for it.</param>
/// <param name="Way">Where the question came in: <c>mqtt</c>, <c>http</c> ...</param>
/// <param name="IsPeer"><paramref name="From"/> is the client's own address: only then can a reconnect be told from a replay.</param>
public sealed record TotpAttempt(string User, ReadOnlyMemory<byte> Password, string ClientId, string From, string Way, bool IsPeer)
{
    // The code is a secret for a minute, the password for longer.
    public override string ToString() => $"log-in of client '{ClientId}' from {From}";
}

/// <summary>The answer to a log-in.</summary>
/// <param name="Account">Null: refused.</param>
/// <param name="Reason">Name of the refusal; empty when it was accepted.</param>
public sealed record TotpAnswer(TotpAccount? Account, string Reason);

/// <summary>
/// Log-in with name, one-time code and password.
/// <para>1 name and code; 2 the account is there and enabled; 3 it is not being guessed at; 4 the code; 5 the code was not used; 6 the password; 7 the step is taken, durably; 8 accepted.</para>
/// The code comes before the password: only who has the secret can cost this machine a bcrypt.
/// </summary>
public sealed class TotpLogin : IDisposable
{
    /// <summary>Of session identities on the broker: an account, a device and a person of one name share nothing.</summary>
    public const string IdentityPrefix = "account:";

    /// <summary>Names of refusals: they stand in audit entries, MQTT reason strings and the answers to other brokers.</summary>
    public const string Used = "totp-used", Wrong = "totp-wrong", Missing = "totp-missing", Unknown = "account-unknown", Disabled = "account-disabled", BadPassword = "password-wrong",
        Limited = "rate-limited", Busy = "busy", Unavailable = "store-unavailable", Damaged = "secret-unreadable";

    private static readonly byte[] NobodysSecret = new byte[OneTimeCode.SecretBytes];
    private readonly TotpLedger _ledger;
    private readonly VerifiedPasswords _verified;
    private readonly ControlDatabase _database;
    private readonly RepeatedNotes _notes;
    private readonly TimeProvider _time;
    private readonly GuessLimit _guesses;
    private readonly Breaker _store;
    private readonly SemaphoreSlim _hashing = new(Environment.ProcessorCount);
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly Lock _one = new();
    private int _waiting;
    private long _hashed, _busy, _unavailable;

    internal TotpLogin(TotpLedger ledger, VerifiedPasswords verified, ControlDatabase database, RepeatedNotes notes, TimeProvider time)
        => (_ledger, _verified, _database, _notes, _time, _guesses, _store) = (ledger, verified, database, notes, time, new(time), new(time));

    /// <summary>Passwords that cost a bcrypt since the start; the rest were remembered.</summary>
    public long Hashed => Interlocked.Read(ref _hashed);

    /// <summary>Log-ins since the start that got neither yes nor no: too many passwords at once, or the database did not take the used code (503; MQTT 0x89).</summary>
    public (long Busy, long Unavailable) Unanswered => (Interlocked.Read(ref _busy), Interlocked.Read(ref _unavailable));

    public void Dispose() => _hashing.Dispose();

    public async ValueTask<TotpAnswer> LogInAsync(TotpAttempt attempt, CancellationToken cancellationToken = default)
    {
        var bar = attempt.User.LastIndexOf('|');
        var name = bar < 0 ? attempt.User : attempt.User[..bar];
        var answer = await JudgeAsync(attempt, name, bar < 0 ? "" : attempt.User[(bar + 1)..], cancellationToken);
        if (answer.Reason == Busy) Interlocked.Increment(ref _busy);
        if (answer.Reason == Unavailable) Interlocked.Increment(ref _unavailable);
        _notes.Add(new(answer.Account is null ? AuditTypes.AuthFail : AuditTypes.Auth, Shown(name), "broker", "totp-login", answer.Account is null ? "refused" : "success", answer.Reason, new()
        {
            ["client"] = Shown(attempt.ClientId), ["way"] = attempt.Way,
        }) { Personal = new JsonObject { ["from"] = attempt.From } }, answer.Account is null ? attempt.From : name);
        return answer;
    }

    private async ValueTask<TotpAnswer> JudgeAsync(TotpAttempt attempt, string name, string code, CancellationToken cancellationToken)
    {
        if (code.Length == 0) return Refuse(Missing); // 1
        var row = _ledger.Find(name); // 2
        if (row is null)
        {
            OneTimeCode.Match(NobodysSecret, code, _time.GetUtcNow());
            return Refuse(Unknown);
        }

        if (!row.Enabled) return Refuse(Disabled);
        var guess = (name, attempt.From);
        if (!_guesses.MayTry(guess)) return Refuse(Limited); // 3
        if (_ledger.SecretOf(row) is not { } secret) return Refuse(Damaged);
        var now = _time.GetUtcNow();
        var matched = OneTimeCode.Match(secret, code, now); // 4
        CryptographicOperations.ZeroMemory(secret);
        if (matched is not { } step)
        {
            _guesses.Failed(guess);
            return Refuse(Wrong);
        }

        var again = step <= row.LastStep; // 5
        if (again && !IsSamePlace(row, attempt, step)) return Refuse(Used);
        // Before a password is hashed for nothing.
        if (!again && !_store.MayAsk()) return Refuse(Unavailable);
        if (await WhyNotPasswordAsync(row, attempt.Password, cancellationToken) is { } why) // 6
        {
            if (why == BadPassword) _guesses.Failed(guess);
            return Refuse(why);
        }

        // 7: in memory first, so that of two at once one is refused; the disk before the answer, so that a restart does not forget it.
        if (again)
        {
            if (!ComesBack(name, step)) return Refuse(Used);
        }
        else
        {
            if (!_ledger.TakeStep(name, step, now)) return Refuse(_ledger.Find(name) is null ? Unknown : Used);
            if (await WriteStepAsync(name, step, now) is { } unwritten) return Refuse(unwritten);

            if (row.Reconnects && attempt.IsPeer)
            {
                lock (_one) _places[name] = new(step, attempt.ClientId, attempt.From, 1);
            }
        }

        _guesses.Succeeded(guess);
        // Disabled or given another password while the hash was computed: that counts.
        return _ledger.Find(name) is { Enabled: true } present && present.PasswordHash == row.PasswordHash ? new(present.ToAccount(), "") : Refuse(Disabled); // 8
    }

    // Durable, or refused: an answer later than this nobody waits for. What is written after it stays written, so the code stays used.
    private async ValueTask<string?> WriteStepAsync(string name, long step, DateTimeOffset now)
    {
        var writing = _database.WriteAsync(c => TotpStore.TakeStep(c, name, step, now), CancellationToken.None);
        try
        {
            var taken = await writing.WaitAsync(ControlLimits.CodeWritten, _time, CancellationToken.None);
            if (_store.Worked()) _notes.Add(new(AuditTypes.System, "", "totp-login", "logins-resumed", "success"), "");
            return taken ? null : Used;
        }
        catch (Exception e) when (e is StoreException or TimeoutException)
        {
            // Its failure, should it come later, is known already.
            _ = writing.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            if (_store.Failed()) _notes.Add(new(AuditTypes.Security, "", "totp-login", "logins-suspended", "failed", Unavailable, new() { ["words"] = e is StoreException ? e.Message : "the database does not answer in time" }), "");
            return Unavailable;
        }
    }

    private async ValueTask<string?> WhyNotPasswordAsync(TotpRow row, ReadOnlyMemory<byte> password, CancellationToken cancellationToken)
    {
        if (_verified.Knows(row.Name, row.PasswordHash, password.Span)) return null;
        if (Interlocked.Increment(ref _waiting) > ControlLimits.HashesWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return Busy;
        }

        try
        {
            // Whoever asks for a client gives up after some seconds (go-auth: 5): an answer that comes later is none.
            if (!await _hashing.WaitAsync(ControlLimits.HashPatience, cancellationToken)) return Busy;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            Interlocked.Increment(ref _hashed);
            if (!await Task.Run(() => PasswordHash.Verify(password.Span, row.PasswordHash), cancellationToken)) return BadPassword;
        }
        finally
        {
            _hashing.Release();
        }

        // Only while it is still the account's hash: a change in between has voided it.
        if (_ledger.Find(row.Name)?.PasswordHash == row.PasswordHash) _verified.Remember(row.Name, row.PasswordHash, password.Span);
        return null;
    }

    // The opt-in: the same client id from the same address, within the very step it logged in with.
    private bool IsSamePlace(TotpRow row, TotpAttempt attempt, long step)
    {
        if (!row.Reconnects || !attempt.IsPeer) return false;
        lock (_one) return _places.TryGetValue(row.Name, out var place) && place.Step == step && place.ClientId == attempt.ClientId && place.From == attempt.From && place.Count < ControlLimits.LoginsPerStep;
    }

    private bool ComesBack(string name, long step)
    {
        lock (_one)
        {
            if (!_places.TryGetValue(name, out var place) || place.Step != step || place.Count >= ControlLimits.LoginsPerStep) return false;
            _places[name] = place with { Count = place.Count + 1 };
            return true;
        }
    }

    private static TotpAnswer Refuse(string reason) => new(null, reason);

    private static string Shown(string text) => new([.. text.Take(ControlLimits.AccountNameCharacters).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)]);

    private sealed record Place(long Step, string ClientId, string From, int Count);
}

/// <summary>
/// Guessing at codes and passwords: after <see cref="ControlLimits.GuessesFree"/> failures in a row each further attempt for this account from this address waits twice as long, up to
/// a minute. Never a lock-out: another address is not concerned, and time passes. Bounded in memory.
/// </summary>
internal sealed class GuessLimit(TimeProvider time)
{
    private readonly Dictionary<(string Name, string From), (int Failures, DateTimeOffset Next)> _failures = [];
    private readonly Lock _one = new();

    public bool MayTry((string Name, string From) who)
    {
        lock (_one) return !_failures.TryGetValue(who, out var seen) || seen.Next <= time.GetUtcNow();
    }

    public void Failed((string Name, string From) who)
    {
        lock (_one)
        {
            if (_failures.Count >= ControlLimits.GuessersRemembered && !_failures.ContainsKey(who))
            {
                var now = time.GetUtcNow();
                foreach (var old in _failures.Where(f => f.Value.Next <= now).Select(f => f.Key).ToList()) _failures.Remove(old);
                if (_failures.Count >= ControlLimits.GuessersRemembered) return;
            }

            var failures = _failures.GetValueOrDefault(who).Failures + 1;
            var wait = failures < ControlLimits.GuessesFree ? 0 : Math.Min(60, 1 << Math.Min(6, failures - ControlLimits.GuessesFree));
            _failures[who] = (failures, time.GetUtcNow().AddSeconds(wait));
        }
    }

    public void Succeeded((string Name, string From) who)
    {
        lock (_one) _failures.Remove(who);
    }
}
