using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Signet.Access;
using Signet.Control;

namespace Signet.Web.Security;

/// <summary>The person or token behind a request.</summary>
public static class Who
{
    /// <summary>Claim types. The names are ours and short: the principal never leaves this process.</summary>
    internal const string Id = "sub", Name = "name", Role = "role", Kind = "kind", Stamp = "stamp", Session = "sid", From = "from", Browser = "browser", With = "with", Certificate = "certificate", Groups = "groups", Provider = "provider", Factor = "factor", ShownAt = "shown";

    internal static ClaimsIdentity Identity(Actor actor, string scheme, params Claim[] more)
        => new([new(Name, actor.Name), new(Role, actor.Role.ToString()), new(Kind, actor.Kind), new(Groups, string.Join(' ', actor.Groups)), .. more], scheme, Name, Role);

    public static bool IsSignedIn(this HttpContext context) => context.User.Identity is { IsAuthenticated: true };

    /// <summary>Who acts, for Control and the audit log.</summary>
    /// <exception cref="InvalidOperationException">Nobody is signed in: the route lacks its <see cref="RequiresAttribute"/>.</exception>
    public static Actor Actor(this HttpContext context)
        => context.IsSignedIn() && Enum.TryParse<Role>(context.User.FindFirstValue(Role), out var role)
            ? new(context.User.Identity!.Name!, role, context.User.FindFirstValue(Kind)!, context.Address()) { Groups = (context.User.FindFirstValue(Groups) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries) }
            : throw new InvalidOperationException("nobody is signed in");

    /// <summary>What whoever asks gets to see.</summary>
    public static Sight Sight(this HttpContext context, CommandCenter center) => center.SightOf(context.Actor());

    /// <summary>The account behind a session, as it was when the request came in; null for tokens.</summary>
    public static Account? Account(this HttpContext context) => context.Items[typeof(Account)] as Account;

    /// <summary>Names the session of this request; opens nothing.</summary>
    public static string? SessionMark(this HttpContext context) => context.User.FindFirstValue(Session);

    public static bool May(this HttpContext context, Act act) => context.IsSignedIn() && RoleTable.Decide(context.Actor().Role, act).Allowed;

    /// <summary>Where a request comes from, as audit entries write it.</summary>
    public static string Address(this HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        if (address is null) return "unknown";
        return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
    }

    /// <summary>What counts as one source: an IPv4 address, or the /64 of an IPv6 address, for one household or host gets that many.</summary>
    public static string Network(this HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address) return context.Address();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return $"{new System.Net.IPAddress(bytes)}/64";
    }
}
