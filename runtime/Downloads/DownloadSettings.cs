using ChannelDistillation.Core;

namespace ChannelDistillation.Downloads;

/// <summary>Timeouts, retries and mirror of downloads.</summary>
public sealed record DownloadSettings
{
    /// <summary>
    /// An http or https address. Files are fetched from it by name instead of from their public addresses. It may contain a user name and
    /// password, which are sent but never shown, and a query, which is added to every file's address.
    /// </summary>
    public const string MirrorVariable = "CHANNEL_DISTILLATION_MIRROR";

    /// <summary>Maximum time without data from the server. The whole download may take any time.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Delay before the first retry; later delays are longer, up to <see cref="LongestWait"/>.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Retries with almost no progress before the download fails.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>Measures <see cref="Stall"/>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Null: every file comes from its public address.</summary>
    public Uri? Mirror { get; init; }

    internal DownloadAddress AddressOf(RemoteFile file) =>
        new(
            Mirror is null ? file.Url : new UriBuilder(Mirror) { Path = $"{Mirror.AbsolutePath.TrimEnd('/')}/{Uri.EscapeDataString(file.Name)}" }.Uri
        );

    /// <exception cref="MissingException">The mirror in the environment is not a valid address.</exception>
    public static DownloadSettings FromEnvironment() =>
        Environment.GetEnvironmentVariable(MirrorVariable) switch
        {
            null or "" => new(),
            var text when Uri.TryCreate(text, UriKind.Absolute, out Uri? mirror) && mirror is { Scheme: "http" or "https", Host: not "" } => new()
            {
                Mirror = mirror,
            },
            var text => throw new MissingException($"{MirrorVariable} must be an http or https address; it is `{DownloadAddress.Shown(text)}`."),
        };
}
