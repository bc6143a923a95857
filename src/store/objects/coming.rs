//! An object on its way: an answer that breaks off goes on where it broke off, as long as each one
//! brings something and the object is the same. So who listens slowly, and lets a connection wait
//! until it is closed, hears all of it.

use futures_util::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, GetResult, ObjectStore};

use super::{ObjectError, Objects, Stream};

struct Coming {
    objects: Objects,
    key: Key,
    /// Which object it is; none if the storage does not say.
    tag: Option<String>,
    at: u64,
    end: u64,
    answer: BoxStream<'static, object_store::Result<bytes::Bytes>>,
    /// The present answer has brought something.
    brought: bool,
}

/// What comes of an answer.
pub fn coming(objects: Objects, key: Key, got: GetResult) -> Stream {
    let (tag, part) = (got.meta.e_tag.clone(), got.range.clone());
    let (at, end, answer) = (part.start, part.end, got.into_stream());
    let begun = Coming { objects, key, tag, at, end, answer, brought: false };
    try_unfold(begun, |mut it| async move {
        loop {
            let broken = match it.answer.try_next().await {
                Ok(Some(bytes)) => {
                    it.at += bytes.len() as u64;
                    it.brought |= !bytes.is_empty();
                    return Ok(Some((bytes, it)));
                }
                Ok(None) if it.at == it.end => return Ok(None),
                Ok(None) => ObjectError::Failed("the answer ended too early".to_owned()),
                Err(error) => error.into(),
            };
            if !it.brought || it.tag.is_none() {
                return Err(broken);
            }
            it.again().await?;
        }
    })
    .boxed()
}

impl Coming {
    /// Asks for what is missing.
    async fn again(&mut self) -> Result<(), ObjectError> {
        let range = Some(GetRange::Bounded(self.at..self.end));
        let options = GetOptions { range, if_match: self.tag.clone(), ..GetOptions::default() };
        let asked = self.objects.storage.get_opts(&self.key, options);
        let got = self.objects.within(asked).await?;
        if got.meta.e_tag != self.tag {
            return Err(ObjectError::Differs);
        }
        (self.answer, self.brought) = (got.into_stream(), false);
        Ok(())
    }
}
