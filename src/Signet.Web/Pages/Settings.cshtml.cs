using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>What is set and from where. Values of settings are never secret: secrets are files.</summary>
[Requires(Act.ViewSettings)]
public sealed class SettingsModel(CommandCenter center, WebOptions options) : ConsolePage(center)
{
    public IReadOnlyList<ShownSetting> Settings { get; } = options.Settings;

    public void OnGet() { }
}
