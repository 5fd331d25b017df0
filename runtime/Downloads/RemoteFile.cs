using System.Net.Http.Headers;
using System.Text;

namespace ChannelDistillation.Downloads;

/// <summary>A file at a public address with known content.</summary>
/// <param name="Name">Its name on disk.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits.</param>
public sealed record RemoteFile(string Name, Uri Url, long Bytes, string Sha256);

/// <summary>The address that a file is fetched from. Its text, for messages and logs, omits user name, password and query, which may be secret.</summary>
internal sealed class DownloadAddress(Uri address)
{
    /// <summary>With its query, without user name and password.</summary>
    public Uri Uri { get; } = new(address.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped));

    /// <summary>User name and password for HTTP basic authentication; null if the address has none.</summary>
    public AuthenticationHeaderValue? Credentials { get; } = address.UserInfo == "" ? null : new("Basic", Encoded(address.UserInfo));

    /// <summary>Whether another address is on the same server, to which the credentials may be sent.</summary>
    public bool IsOfSameServer(Uri other) =>
        Uri.Compare(Uri, other, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>A user name without a password gets an empty password.</summary>
    private static string Encoded(string userInfo) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(userInfo.Contains(':') ? userInfo : userInfo + ":")));

    public override string ToString() => Shown(Uri);

    /// <summary>An address as messages show it.</summary>
    public static string Shown(Uri address) =>
        address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped) + (address.Query == "" ? "" : "?...");

    /// <summary>The same for a text that may not be an address: the part after its last `@`, without a query.</summary>
    public static string Shown(string text)
    {
        string rest = text[(text.LastIndexOf('@') + 1)..];
        int query = rest.IndexOf('?');
        return query < 0 ? rest : rest[..query] + "?...";
    }
}
