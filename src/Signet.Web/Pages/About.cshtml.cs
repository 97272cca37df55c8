using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages;

[Requires(Act.ViewFleet), WithinGroups]
public sealed class AboutModel(CommandCenter center) : ConsolePage(center)
{
    public CenterStatus Status { get; private set; } = null!;

    public byte[] RootFingerprint => Center.Authority.Root.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256);

    public void OnGet() => Status = Sight.Status();
}
