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
    /// <summary>Name of the rule that keeps somebody to their groups of devices.</summary>
    public const string ScopeRule = "scope";

    private readonly ConcurrentDictionary<string, (Principal Principal, IReadOnlyList<string> Scope)?> _people = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _forgetting = new();
    private long _forgotten;
    private readonly ConcurrentDictionary<string, (IReadOnlyList<string> Groups, Principal Principal)> _devices = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (IReadOnlyList<string> Groups, Principal Principal)> _accounts = new(StringComparer.Ordinal);

    /// <summary>Null: no longer admitted, so nothing is allowed.</summary>
    public Principal? Find(Asker asker) => asker.Kind switch
    {
        PrincipalKind.Device => (asker.Thumbprint is { } thumbprint ? roster.IsAdmitted(asker.Name, thumbprint, out _) : IsInForce(asker.Name)) ? Device(asker.Name) : null,
        PrincipalKind.Person => Person(asker.Name)?.Principal,
        PrincipalKind.Account => Account(asker.Name),
        _ => asker.Name == Actor.Center.Name ? Center : null,
    };

    /// <summary>Groups of devices that a person is limited to; empty: none.</summary>
    public IReadOnlyList<string> ScopeOf(string person) => Person(person)?.Scope ?? [];

    /// <summary>
    /// What the policy says and, for a person who is limited to groups, whether the topic is one of their devices: <c>signet/DEVICE/...</c> and nothing else (<c>$SYS</c> speaks of everybody).
    /// </summary>
    /// <param name="policy">The policy in force.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="action">What they ask for.</param>
    /// <param name="topic">Topic or filter.</param>
    /// <param name="asksEach">The broker asks again for each message on its way: a subscription to the devices of everybody is then only heard as far as the groups reach. Without that it is denied.</param>
    public Decision Decide(AccessPolicy policy, Principal who, TopicAction action, string topic, bool asksEach)
    {
        var decision = policy.Decide(who, action, topic);
        return !decision.Allowed || IsWithinScope(who, action, topic, asksEach) ? decision : new(false, ScopeRule, policy.Version);
    }

    /// <summary>True for everybody but a person who is limited to groups and asks for something else than their devices.</summary>
    public bool IsWithinScope(Principal who, TopicAction action, string topic, bool asksEach)
        => who.Kind != PrincipalKind.Person || ScopeOf(who.Name) is not { Count: > 0 } groups
            || (topic.Split('/', 3) is ["signet", var device, _] && (device == "+" ? asksEach && action == TopicAction.Subscribe : Sight.IsWithin(roster, groups, device)));

    /// <summary>How many names are remembered, of people and of nobody.</summary>
    internal int Remembered => _people.Count;

    /// <summary>Everybody who goes by this name, whatever they are: a device in force, a person, an account, the center.</summary>
    public IReadOnlyList<Principal> ByName(string name)
    {
        if (name.Length > ControlLimits.NameCharacters) return [];
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
    public void ForgetPerson(string name)
    {
        lock (_forgetting)
        {
            _forgotten++;
            _people.TryRemove(name, out _);
        }
    }

    private static readonly Principal Center = Principal.Service(Actor.Center.Name);

    private bool IsInForce(string name) => roster.With(name, m => m.Enabled && m.Certificates.Exists(c => c.Retired is null));

    private (Principal Principal, IReadOnlyList<string> Scope)? Person(string name)
    {
        // Names come from whoever connects to a broker: neither long ones nor any number of them are kept.
        if (name.Length > ControlLimits.NameCharacters) return null;
        if (_people.TryGetValue(name, out var known)) return known;
        var asOf = Volatile.Read(ref _forgotten);
        (Principal, IReadOnlyList<string>)? found = findPerson(name) is { Enabled: true } account ? (Principal.Person(account.Name, account.Role), account.Limits) : null;
        lock (_forgetting)
        {
            // Read before the change and kept after it, a right would stay until the next change.
            if (_people.Count >= ControlLimits.RememberedNames) _people.Clear();
            if (asOf == _forgotten) _people[name] = found;
        }

        return found;
    }

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
