using System.Collections.Concurrent;
using Signet.Access;

namespace Signet.Control;

/// <summary>Who stands behind a session, as it was proven at CONNECT; what that person or thing may do is looked up at each question.</summary>
/// <param name="Thumbprint">Of a device's certificate; null for everybody else, and for a session that was kept while its device is away.</param>
internal sealed record Asker(PrincipalKind Kind, string Name, string? Thumbprint = null);

/// <summary>
/// Who somebody is at this moment: roles, groups, whether they are still admitted at all. Asked for every decision that the broker does not remember, so a change of any of these acts on
/// open sessions as soon as the broker is told to forget (<see cref="Mqtt.Broker.MqttBroker.PolicyChanged"/>).
/// </summary>
internal sealed class Askers(Roster roster, Func<string, Account?> findPerson, TotpLedger accounts)
{
    private readonly ConcurrentDictionary<string, Principal?> _people = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, (IReadOnlyList<string> Groups, Principal Principal)> _devices = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (IReadOnlyList<string> Groups, Principal Principal)> _accounts = new(StringComparer.Ordinal);

    /// <summary>Null: no longer admitted, so nothing is allowed.</summary>
    public Principal? Find(Asker asker) => asker.Kind switch
    {
        PrincipalKind.Device => (asker.Thumbprint is { } thumbprint ? roster.IsAdmitted(asker.Name, thumbprint, out _) : IsInForce(asker.Name)) ? Device(asker.Name) : null,
        PrincipalKind.Person => _people.GetOrAdd(asker.Name, name => findPerson(name) is { Enabled: true } account ? Principal.Person(account.Name, account.Role) : null),
        PrincipalKind.Account => Account(asker.Name),
        _ => asker.Name == Actor.Center.Name ? Center : null,
    };

    /// <summary>Everybody who goes by this name, whatever they are: a device in force, a person, an account, the center.</summary>
    public IReadOnlyList<Principal> ByName(string name)
    {
        var found = new List<Principal>(1);
        if (IsInForce(name)) found.Add(Device(name));
        if (Account(name) is { } account) found.Add(account);
        if (Find(new(PrincipalKind.Person, name)) is { } person) found.Add(person);
        if (name == Center.Name) found.Add(Center);
        return found;
    }

    /// <summary>Null when there is no such account or it is disabled.</summary>
    public Principal? Account(string name)
    {
        if (accounts.Find(name) is not { Enabled: true } row)
        {
            _accounts.TryRemove(name, out _);
            return null;
        }

        if (_accounts.TryGetValue(name, out var known) && ReferenceEquals(known.Groups, row.Groups)) return known.Principal;
        var made = Principal.Account(row.Name, [.. row.Groups]);
        _accounts[name] = (row.Groups, made);
        return made;
    }

    /// <summary>Somebody's role changed, or they were disabled or removed.</summary>
    public void ForgetPerson(string name) => _people.TryRemove(name, out _);

    private static readonly Principal Center = Principal.Service(Actor.Center.Name);

    private bool IsInForce(string name) => roster.With(name, m => m.Enabled && m.Certificates.Exists(c => c.Retired is null));

    // Made anew only when the device's groups are others than before.
    private Principal Device(string name)
    {
        var groups = roster.With(name, m => m.Groups) ?? [];
        if (_devices.TryGetValue(name, out var known) && ReferenceEquals(known.Groups, groups)) return known.Principal;
        var made = Principal.Device(name, [.. groups]);
        _devices[name] = (groups, made);
        return made;
    }
}
