using ChannelDistillation.Core;

namespace ChannelDistillation.Downloads;

/// <summary>How patient downloads are.</summary>
public sealed record DownloadSettings
{
    /// <summary>
    /// An http or https address; files are fetched from there by their name instead of from their public addresses. It may have a user name and a
    /// password, which are sent and never shown, and a query, which every file's address gets.
    /// </summary>
    public const string MirrorVariable = "CHANNEL_DISTILLATION_MIRROR";

    /// <summary>The server must answer, and go on sending, within this time. The whole file may take as long as it does.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Before the first retry; later ones wait longer, up to <see cref="LongestWait"/>.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Tries after the first that bring next to nothing, before it is given up.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>Measures <see cref="Stall"/>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Null: every file from its public address.</summary>
    public Uri? Mirror { get; init; }

    internal DownloadAddress AddressOf(RemoteFile file) =>
        new(
            Mirror is null ? file.Url : new UriBuilder(Mirror) { Path = $"{Mirror.AbsolutePath.TrimEnd('/')}/{Uri.EscapeDataString(file.Name)}" }.Uri
        );

    /// <exception cref="MissingException">The mirror that the environment names is no address.</exception>
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
