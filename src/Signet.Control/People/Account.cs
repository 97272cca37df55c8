using Signet.Access;

namespace Signet.Control;

/// <summary>A person who may sign in. The fields are what ASP.NET Core Identity's stores need; the hash never leaves this record's owner.</summary>
public sealed record Account
{
    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary>Upper case, for finding; unique.</summary>
    public required string NormalizedName { get; init; }

    /// <summary>Null: no password set yet (invited).</summary>
    public string? PasswordHash { get; init; }
    public required Role Role { get; init; }
    public bool Enabled { get; init; } = true;

    /// <summary>Changes whenever a credential or role changes; sessions made with an older one end.</summary>
    public required string SecurityStamp { get; init; }

    /// <summary>Changes with every write; <see cref="Accounts.UpdateAsync"/> refuses an older one.</summary>
    public string ConcurrencyStamp { get; init; } = "";
    public int AccessFailedCount { get; init; }
    public DateTimeOffset? LockoutEnd { get; init; }
    public bool LockoutEnabled { get; init; } = true;
    public DateTimeOffset Created { get; init; }
    public DateTimeOffset? LastSignIn { get; init; }

    /// <summary>One-time codes are set up since then; null: they are not.</summary>
    public DateTimeOffset? TotpSince { get; init; }

    /// <summary>Passkeys registered.</summary>
    public int Passkeys { get; init; }

    /// <summary>From then on a role that needs a second factor can do nothing without one; null: one grace period after <see cref="Created"/>.</summary>
    public DateTimeOffset? FactorDue { get; init; }

    /// <summary>Groups of devices that this person was limited to; empty: all devices. They are kept while the person is an administrator, so that a way through that role widens nothing.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The groups in force: none for an administrator.</summary>
    public IReadOnlyList<string> Limits => Role == Role.Admin ? [] : Groups;

    /// <summary>This person as the one who acts.</summary>
    public Actor As(string from) => new(Name, Role, Actor.User, from) { Groups = Limits };

    public bool HasSecondFactor => TotpSince is not null || Passkeys > 0;

    public override string ToString() => $"{Name} ({Role})"; // never the hash
}
