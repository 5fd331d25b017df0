using System.Net.Http.Headers;
using System.Text;

namespace ChannelDistillation.Downloads;

/// <summary>A file at a public address, of which it is known what it holds.</summary>
/// <param name="Name">As it is called on the disk.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Of its content, 64 hexadecimal digits in lower case.</param>
public sealed record RemoteFile(string Name, Uri Url, long Bytes, string Sha256);

/// <summary>Where a file is fetched from. Its text is for messages and logs: user name, password and query, any of which may be a secret, are not in it.</summary>
internal sealed class DownloadAddress(Uri address)
{
    /// <summary>With its query, without user name and password.</summary>
    public Uri Uri { get; } = new(address.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped));

    /// <summary>User name and password of the address, as HTTP's basic authentication sends them; null: it has none.</summary>
    public AuthenticationHeaderValue? Credentials { get; } = address.UserInfo == "" ? null : new("Basic", Encoded(address.UserInfo));

    /// <summary>Whether another address is of the same server, which may be sent the credentials.</summary>
    public bool IsOfSameServer(Uri other) =>
        Uri.Compare(Uri, other, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>A user name alone has an empty password.</summary>
    private static string Encoded(string userInfo) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(userInfo.Contains(':') ? userInfo : userInfo + ":")));

    public override string ToString() => Shown(Uri);

    /// <summary>An address as messages show it.</summary>
    public static string Shown(Uri address) =>
        address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped) + (address.Query == "" ? "" : "?...");

    /// <summary>The same of a text that may be no address: what follows its last `@`, without a query.</summary>
    public static string Shown(string text)
    {
        string rest = text[(text.LastIndexOf('@') + 1)..];
        int query = rest.IndexOf('?');
        return query < 0 ? rest : rest[..query] + "?...";
    }
}
