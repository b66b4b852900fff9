using System.IO.Compression;

namespace PromptToPrompt.Studio.Tests.Hosting;

public sealed class PageFilesTests
{
    [Theory]
    [InlineData("mudblazor.css")]
    [InlineData("mudblazor.js")]
    [InlineData("studio.css")]
    public async Task TextIsSentZippedToThoseWhoCanReadThat(string name)
    {
        await using var studio = await TestStudio.Start();
        var plain = await studio.Http.GetByteArrayAsync($"/assets/{name}");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/assets/{name}");
        request.Headers.Add("Accept-Encoding", "gzip, br");
        using var answer = await studio.Http.SendAsync(request);
        Assert.Equal(["gzip"], answer.Content.Headers.ContentEncoding);
        Assert.Equal(["Accept-Encoding"], answer.Headers.Vary);
        await using var unzipped = new GZipStream(await answer.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        await unzipped.CopyToAsync(bytes);
        Assert.Equal(plain, bytes.ToArray());
        Assert.True(answer.Content.Headers.ContentLength < plain.Length / 2);
    }
}
