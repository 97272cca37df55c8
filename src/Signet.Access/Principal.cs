using System.Collections.Frozen;

namespace Signet.Access;

/// <summary>What kind of speaker stands behind a name. Numbers are stored: append only.</summary>
public enum PrincipalKind
{
    Device = 1,
    Person = 2,
    Service = 3,

    /// <summary>Logs in with name, one-time code and password instead of a certificate. A kind of its own: an account named like a device or a part of the center gets none of their rules.</summary>
    Account = 4,
}

/// <summary>Someone who asks. The name comes from a verified certificate, account or token, never from the wish itself.</summary>
/// <param name="Name">Always taken literally: a name with <c>+ # / %</c> in it can never widen a rule.</param>
/// <param name="Groups">Groups and tags; compared exactly.</param>
public sealed record Principal(string Name, PrincipalKind Kind, IReadOnlySet<string> Groups)
{
    /// <summary>Group of people who may see what the broker says about itself (<c>$SYS/#</c>).</summary>
    public const string Operators = "operators";

    /// <summary>Group of accounts that push metrics to <c>metrics/{name}/...</c>.</summary>
    public const string Metrics = "metrics";

    public static Principal Device(string name, params string[] groups) => new(name, PrincipalKind.Device, groups.ToFrozenSet(StringComparer.Ordinal));

    public static Principal Service(string name, params string[] groups) => new(name, PrincipalKind.Service, groups.ToFrozenSet(StringComparer.Ordinal));

    public static Principal Account(string name, params string[] groups) => new(name, PrincipalKind.Account, groups.ToFrozenSet(StringComparer.Ordinal));

    /// <summary>A person with a role; roles are hierarchical, so an administrator is in the operators' group too.</summary>
    public static Principal Person(string name, Role role, params string[] groups)
    {
        IEnumerable<string> all = groups;
        if (role >= Role.Viewer) all = all.Append("viewers");
        if (role >= Role.Operator) all = all.Append(Operators);
        if (role >= Role.Admin) all = all.Append("admins");
        return new(name, PrincipalKind.Person, all.ToFrozenSet(StringComparer.Ordinal));
    }
}
