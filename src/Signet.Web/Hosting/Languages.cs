using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Localization;
using Signet.Web.Looks;

namespace Signet.Web.Hosting;

/// <summary>Which language a reader gets: the one they chose (a cookie), else what their browser asks for, else English. Numbers and times of forms stay invariant.</summary>
internal static class Languages
{
    private const string Cookie = "__Host-signet-language";

    public static void Configure(RequestLocalizationOptions localization)
    {
        localization.SupportedCultures = [CultureInfo.InvariantCulture];
        localization.SupportedUICultures = [.. Phrases.Languages.Select(language => CultureInfo.GetCultureInfo(language.Code))];
        localization.DefaultRequestCulture = new(CultureInfo.InvariantCulture, CultureInfo.GetCultureInfo("en"));
        localization.RequestCultureProviders = [new CookieRequestCultureProvider { CookieName = Cookie }, new AcceptLanguageHeaderRequestCultureProvider { MaximumAcceptLanguageHeaderValuesToTry = 5 }];
    }

    public static void Choose(HttpContext context, string code)
        => context.Response.Cookies.Append(Cookie, $"c=|uic={code}", new() { Secure = true, HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/", MaxAge = TimeSpan.FromDays(365) });
}
