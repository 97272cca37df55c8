using Signet.Access;

namespace Signet.Control;

/// <summary>Who asks the center for something: always known, always written beside the act.</summary>
/// <param name="Name">Of the account, the token or the part of the program.</param>
/// <param name="Role">What <see cref="RoleTable"/> is asked with.</param>
/// <param name="Kind">One of <see cref="User"/>, <see cref="Token"/>, <see cref="LocalOperator"/>, <see cref="System"/>.</param>
/// <param name="From">Address of the asker, <c>local</c> for this machine's own terminal.</param>
public sealed record Actor(string Name, Role Role, string Kind, string From)
{
    /// <summary>Groups of devices that somebody's acts, and what they see, are limited to (<see cref="Sight"/>); empty: all devices.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Id of the change to many devices that this act is a part of; null: it stands alone.</summary>
    public string? Bulk { get; init; }

    /// <summary>May this actor act on the device, as far as groups go?</summary>
    public bool Covers(DeviceRecord device) => Groups.Count == 0 || device.Groups.Any(group => Groups.Contains(group, StringComparer.Ordinal));

    public const string User = "user", Token = "token", LocalOperator = "local-operator", System = "system", Device = "device";

    /// <summary>The program itself: start, stop, renewals, deadlines.</summary>
    public static Actor Center { get; } = new("command_center", Role.Admin, System, "local");

    /// <summary>The person at this machine's terminal, who owns the data directory.</summary>
    public static Actor Terminal { get; } = new("local-operator", Role.Admin, LocalOperator, "local");
}
