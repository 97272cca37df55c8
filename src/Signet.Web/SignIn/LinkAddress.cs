using Microsoft.AspNetCore.Http;
using Signet.Control;

namespace Signet.Web.SignIn;

/// <summary>The address of a one-time link on the host that the request came to; only names of this console get that far (host filtering).</summary>
internal static class LinkAddress
{
    public static string Of(HttpRequest request, NewPersonLink link) => $"https://{request.Host}/register?token={link.Secret}";
}
