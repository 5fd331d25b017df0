namespace ChannelDistillation.Downloads;

/// <summary>A file at a public address, of which it is known what it holds.</summary>
/// <param name="Name">As it is called on the disk.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Of its content, 64 hexadecimal digits in lower case.</param>
public sealed record RemoteFile(string Name, Uri Url, long Bytes, string Sha256);
