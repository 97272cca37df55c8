using Signet.Access;

namespace Signet.Web.Security;

/// <summary>What a page, page handler or API route demands. The access gate enforces it; a route that carries neither this nor
/// <see cref="PublicAttribute"/> answers nobody.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class RequiresAttribute(Act act) : Attribute
{
    public Act Act { get; } = act;
}

/// <summary>Anyone may ask, signed in or not.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class PublicAttribute : Attribute;

/// <summary>Anyone who is signed in may ask, whatever the role.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class SignedInAttribute : Attribute;

/// <summary>What this page or route answers is held to the groups of whoever asks (<see cref="Signet.Control.Sight"/>). One without this word answers nobody who is limited to groups:
/// what is forgotten stays shut.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class WithinGroupsAttribute : Attribute;

/// <summary>A dangerous act: whoever does it with a session has shown within <see cref="WebLimits.Confirmation"/> that it is them. API tokens are not asked: they hold no password.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class ConfirmedAttribute : Attribute;
